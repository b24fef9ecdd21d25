import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import { HEALTH_DIALECTS, type HealthDialect } from "../probe/health-dialect.ts";
import type { Observation, ProbeTarget } from "../probe/probe.ts";
import type { ProbeTrust } from "../probe/verdict.ts";
import type { ProbeConfig } from "../probe-config.ts";
import type { Registry } from "../registry.ts";
import { parseServiceFields } from "../service-fields.ts";
import type { ServiceKey, ServiceRecord } from "../service-record.ts";
import type { Sighting, Source } from "../sources/source.ts";
import { type EndpointRecord, endpointOf } from "./endpoint.ts";
import type { Inventory } from "./inventory.ts";
import { inParallel } from "./pool.ts";
import type { Probers } from "./probers.ts";

export interface LooksOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly inventory: Inventory;
  readonly probers: Probers;
  readonly trust: ProbeTrust;
  readonly sources: readonly Source[];
  readonly config: ProbeConfig;
  /** Profiles of services, of which the first is the usual one. */
  readonly profiles: readonly string[];
  readonly self: string;
  readonly log: Logger;
}

/** Looks at the services there are: those of the registry, and those that sources tell of. A source's word makes a service "discovered" once somebody
 *  answers there; it authorises nothing. */
export class Looks {
  readonly #options: LooksOptions;
  readonly #stopping = new AbortController();

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Looks at everything once; at nothing while nobody has said whom to trust. A source that does not answer is passed over and logged. */
  async run(): Promise<void> {
    const { registry, config, sources, trust, log } = this.#options;
    if (trust.anchors.length === 0) return log.warn("nothing is looked at: the ca has not said whom to trust");
    const registered = registry.all();
    const pace = { atOnce: config.atOnce, signal: this.#stopping.signal };
    await inParallel(registered, pace, (record) => this.#lookAtService(record));
    const known = new Set(
      registered.flatMap((record) => targetsOf(record).map((target) => nameOf(record.organisation, target))),
    );
    for (const source of sources) {
      const sightings = (await this.#ask(source)).filter((each) => !known.has(nameOf(each.organisation, each)));
      await inParallel(sightings, pace, (sighting) => this.#lookAt(sighting, source));
    }
  }

  /** Ends a look that is under way. */
  stop(): void {
    this.#stopping.abort();
  }

  /** All its endpoints; it is unreachable when none has answered for some looks in a row. */
  async #lookAtService(record: ServiceRecord): Promise<void> {
    const { store, inventory, registry, config, self } = this.#options;
    const targets = targetsOf(record);
    const observed = await Promise.all(targets.map((target) => this.#probe(record.organisation, target)));
    const seen = observed.filter((each) => each !== undefined);
    if (seen.length === 0 || this.#stopping.signal.aborted) return;
    const { organisation, service } = record;
    await store.write(() => {
      const kept = seen.map((each) => inventory.record(each, { organisation, service, source: "registry" }));
      if (isGone(kept, config.unreachableAfter))
        registry.unreachable(record, {
          actor: self,
          reason: kept.map(({ endpoint, detail }) => `${endpoint}: ${detail}`).join("; "),
        });
    });
  }

  async #lookAt(sighting: Sighting, { name }: Source): Promise<void> {
    const { store, inventory, registry, profiles, self } = this.#options;
    const seen = await this.#probe(sighting.organisation, sighting);
    if (seen === undefined || seen.verdict === "unreachable" || this.#stopping.signal.aborted) return;
    const { organisation, service, type } = sighting;
    await store.write(() => {
      if (service !== "") {
        const key: ServiceKey = { organisation, service };
        const fields = parseServiceFields(service, { ...NOTHING_SAID, ...fieldsOf(sighting), type }, profiles);
        registry.observe(key, fields, name, { actor: self, reason: `${name} tells of it, and it answers` });
      }
      inventory.record(seen, { organisation, service, source: name });
    });
  }

  /** undefined where it may not be connected to. */
  async #probe(organisation: string, target: ProbeTarget): Promise<Observation | undefined> {
    const { probers, log } = this.#options;
    try {
      return await probers.of(organisation).prober.probe(target, this.#stopping.signal);
    } catch (error) {
      if (!(error instanceof PkiError) || error.code !== "PROBE_REFUSED") throw error;
      log.debug("endpoint not looked at", {
        organisation,
        endpoint: endpointOf(target.host, target.port),
        reason: error.details.reason,
      });
      return undefined;
    }
  }

  async #ask(source: Source): Promise<readonly Sighting[]> {
    try {
      return await source.find(AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SOURCE_DEADLINE_MS)]));
    } catch (error) {
      this.#options.log.warn("source does not answer", { source: source.name, error });
      return [];
    }
  }
}

const SOURCE_DEADLINE_MS = 30_000;

const NOTHING_SAID = {
  ...{ description: "", owner: "", healthUrl: "", dnsNames: [], ipAddresses: [], dependsOn: [], managedBy: "" },
};

const nameOf = (organisation: string, { host, port }: ProbeTarget): string =>
  `${organisation} ${endpointOf(host, port)}`;

const isGone = (kept: readonly EndpointRecord[], after: number): boolean =>
  kept.every(({ failures }) => failures >= after);

function fieldsOf({ scheme, host, port, health }: Sighting) {
  const url = `${scheme}://${endpointOf(host, port)}`;
  return { endpoints: [url], ...(health && { healthUrl: `${url}${health.path}`, healthDialect: health.dialect }) };
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "https:": 443,
  "http:": 80,
  "wss:": 443,
  "ws:": 80,
  "grpcs:": 443,
};
const PLAIN: ReadonlySet<string> = new Set(["http:", "ws:"]);

/** The endpoints of a service. Health is asked at the one whose port its health URL has; with none, at that URL by itself. */
export function targetsOf({
  endpoints,
  healthUrl,
  healthDialect,
}: Pick<ServiceRecord, "endpoints" | "healthUrl" | "healthDialect">): ProbeTarget[] {
  const targets = new Map<string, ProbeTarget>();
  for (const text of healthUrl === "" ? endpoints : [healthUrl, ...endpoints]) {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = url.port === "" ? DEFAULT_PORTS[url.protocol] : Number(url.port);
    if (port === undefined || targets.has(`${host} ${port}`)) continue;
    const health =
      text === healthUrl ? { path: `${url.pathname}${url.search}`, dialect: dialectOf(healthDialect) } : undefined;
    targets.set(`${host} ${port}`, {
      host,
      port,
      name: host,
      scheme: PLAIN.has(url.protocol) ? "http" : "https",
      health,
    });
  }
  return [...targets.values()];
}

const dialectOf = (text: string): HealthDialect => HEALTH_DIALECTS.find((known) => known === text) ?? "auto";
