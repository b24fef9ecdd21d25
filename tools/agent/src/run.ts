import { contextOf, storeOf, type World } from "./agent.ts";
import type { Identity, Settings } from "./config.ts";
import { Keeper } from "./keeper.ts";
import { maintain } from "./maintain.ts";
import type { State } from "./state.ts";
import type { Wish } from "./turn.ts";
import { Turnstile } from "./turnstile.ts";

/** Identities that are worked on at once. */
const AT_ONCE = 8;

/** Looks after all identities until `signal` is aborted, and resolves when the last piece of work is done. Never rejects for what goes wrong with
 *  one of them; throws CONFIG_INVALID before it begins. */
export async function runAgent(settings: Settings, world: World, signal: AbortSignal): Promise<void> {
  const envoy = settings.sds && (await openToEnvoy(settings, settings.sds, world));
  const turnstile = new Turnstile(AT_ONCE);
  const keepers = settings.identities.map((identity) => ({
    identity,
    keeper: new Keeper(contextOf(identity, settings, world, envoy?.layoutOf(identity)), turnstile, settings.spread),
  }));
  try {
    await Promise.all(
      keepers.map(({ identity: { organisation }, keeper }) =>
        keeper.keep(signal, (service, wish) => {
          const other = keepers.find(
            ({ identity }) => identity.organisation === organisation && identity.service === service,
          );
          other?.keeper.want(wish);
        }),
      ),
    );
  } finally {
    envoy?.close();
  }
}

/** gRPC is loaded by those alone that have an Envoy. */
async function openToEnvoy(settings: Settings, { socket, mode }: NonNullable<Settings["sds"]>, { log }: World) {
  const [{ openSds }, { offeredTo, Secrets }] = await Promise.all([import("./sds/sds.ts"), import("./sds/secrets.ts")]);
  const secrets = new Secrets();
  const server = await openSds(socket, mode, secrets, log);
  return {
    /** What the service had before the agent was started is on offer at once, whether the gateway is there or not. */
    layoutOf(identity: Identity) {
      const layout = offeredTo(secrets, [identity.name, identity.spiffeId], settings.trustDomain);
      const store = storeOf(settings, identity.name);
      const { deployed } = store.read();
      if (deployed) {
        layout.install({ ...store.getCertificate(deployed.serialHex), bundlePem: store.findBundle() ?? "" });
        layout.settle();
      }
      return layout;
    },
    close: () => server.close(),
  };
}

/** One look at each identity, as cron would have it, with a wish for all of them. The states as they are then, in the order of the configuration. */
export async function runOnce(settings: Settings, world: World, wish: Wish = {}): Promise<State[]> {
  const turnstile = new Turnstile(AT_ONCE);
  const contexts = settings.identities.map((identity) => contextOf(identity, settings, world));
  return Promise.all(contexts.map((context) => turnstile.pass(() => maintain(context, { ...wish, now: true }))));
}
