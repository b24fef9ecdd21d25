import { join } from "node:path";
import type { Logger } from "@vcc-pki/telemetry/log";
import type { Clock } from "@vcc-pki/time";
import type { Identity, Settings } from "./config.ts";
import type { Target } from "./deploy.ts";
import { openGateway } from "./gateway/gateway.ts";
import { createLayout, type Layout } from "./layout.ts";
import { createReload } from "./reload/reload.ts";
import { type IdentityStore, openIdentityStore } from "./store.ts";
import type { MaintainContext } from "./turn.ts";

export interface World {
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to 1; moves moments so that agents do not act at once. */
  readonly random: () => number;
}

/** Where an identity has its state. */
export const storeOf = (settings: Pick<Settings, "stateDir">, name: string): IdentityStore =>
  openIdentityStore(join(settings.stateDir, name));

/** Everything it takes to look after one identity. `alsoTo` is told what the files are told, for readers that take no files. Throws
 *  CONFIG_INVALID for an owner or a hook that cannot be. */
export function contextOf(identity: Identity, settings: Settings, world: World, alsoTo?: Layout): MaintainContext {
  const { clock, log } = world;
  return {
    ...world,
    identity,
    log: log.child({ identity: identity.name }),
    store: storeOf(settings, identity.name),
    target: targetOf(identity, settings, alsoTo),
    manager: identity.managedBy === undefined ? undefined : storeOf(settings, identity.managedBy),
    connect: (bundlePem, held) => openGateway({ server: settings.server, bundlePem, identity: held, clock }),
  };
}

function targetOf({ layout, reload, proof }: Identity, { reloadHosts }: Settings, alsoTo: Layout | undefined): Target {
  const files = layout && createLayout(layout.directory, layout.profile, layout);
  return {
    layout: files && alsoTo ? both(files, alsoTo) : (files ?? alsoTo),
    reload: reload && createReload(reload, reloadHosts),
    proof,
  };
}

/** Two places as one: the files decide whether there is something to go back to. */
function both(first: Layout, second: Layout): Layout {
  return {
    holds: (material) => first.holds(material) && second.holds(material),
    install(material) {
      first.install(material);
      second.install(material);
    },
    recover: () => first.recover(),
    settle() {
      first.settle();
      second.settle();
    },
    restore() {
      second.restore();
      return first.restore();
    },
  };
}
