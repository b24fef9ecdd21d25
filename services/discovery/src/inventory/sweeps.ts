import { randomUUIDv7 } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { Network } from "@vcc-pki/network";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { Observation, Prober } from "../probe/probe.ts";
import type { ProbeTrust } from "../probe/verdict.ts";
import type { ProbeConfig } from "../probe-config.ts";
import type { SweepRecord, SweepTable } from "../store/sweeps.ts";
import type { Inventory } from "./inventory.ts";
import { inParallel } from "./pool.ts";
import type { Probers } from "./probers.ts";
import { SweepPlan } from "./sweep-plan.ts";

/** Results of one commit. What a killed process has to do again is at most this. */
const BATCH = 256;

export interface SweepsOptions {
  readonly store: Store;
  readonly table: SweepTable;
  readonly inventory: Inventory;
  readonly probers: Probers;
  readonly trust: ProbeTrust;
  readonly config: ProbeConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sweeps through networks that the configuration allows, for all TLS there is in them. They go on where they were after a restart. */
export class Sweeps {
  readonly #options: SweepsOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: SweepsOptions) {
    this.#options = options;
  }

  /** What is asked for, as a sweep that has not begun. Throws PROBE_REFUSED outside of what is allowed, REQUEST_MALFORMED, REQUEST_TOO_LARGE. */
  plan(organisation: string, networks: readonly string[], ports: readonly number[]): SweepRecord {
    const { config, probers, clock } = this.#options;
    const refuse = (why: string) => new PkiError("PROBE_REFUSED", why, { details: { reason: "notAllowed" } });
    if (config.sweeps === undefined) throw refuse("sweeps are not configured");
    const { maxTargets, ports: allowed } = config.sweeps;
    const wanted = ports.length === 0 ? allowed : [...new Set(ports)];
    const unallowed = wanted.find((port) => !allowed.includes(port));
    if (unallowed !== undefined) throw refuse(`port ${unallowed} is not one to sweep`);
    if (networks.length === 0 || networks.length > 64) throw new PkiError("REQUEST_MALFORMED", "1 to 64 networks");
    const parsed = networks.map(parseNetwork);
    const { guard } = probers.of(organisation);
    const outside = parsed.find((network) => !guard.allows(network));
    if (outside) throw refuse(`network ${outside.text} is not one to sweep`);
    const { total } = new SweepPlan(parsed, wanted, maxTargets);
    return {
      ...{ sweepId: randomUUIDv7(), organisation, networks: parsed.map(({ text }) => text), ports: wanted, total },
      ...{ next: 0, found: 0, refused: 0, verdicts: {}, startedAt: clock.now(), endedAt: undefined },
    };
  }

  /** Begins it, inside `store.write`. Throws ALREADY_EXISTS while another of the organisation's goes on. */
  begin(sweep: SweepRecord): void {
    const { table } = this.#options;
    if (table.underWay().some(({ organisation }) => organisation === sweep.organisation))
      throw new PkiError("ALREADY_EXISTS", "a sweep is under way");
    table.put(sweep);
  }

  /** Goes on with all that are under way, one after the other, unless that is being done. Resolves when it is; failures are logged, and what is
   *  left is for the next time. */
  run(): Promise<void> {
    this.#running ??= this.#runAll()
      .catch((error) => this.#options.log.error("sweep failed", { error }))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Ends what is under way early; what of it was not kept is done again after a restart. */
  stop(): void {
    this.#stopping.abort();
  }

  async close(): Promise<void> {
    this.stop();
    await this.#running;
  }

  async #runAll(): Promise<void> {
    const { table, config, trust } = this.#options;
    while (config.sweeps !== undefined && trust.anchors.length > 0 && !this.#stopping.signal.aborted) {
      const [sweep] = table.underWay();
      if (sweep === undefined) return;
      await this.#runOne(sweep);
    }
  }

  async #runOne(started: SweepRecord): Promise<void> {
    const { probers, log } = this.#options;
    const { prober } = probers.of(started.organisation);
    const plan = new SweepPlan(started.networks.map(parseNetwork), started.ports, Number.POSITIVE_INFINITY);
    for (let sweep = started; sweep.endedAt === undefined; ) {
      const batch = await this.#probe(prober, plan, sweep.next, Math.min(sweep.next + BATCH, plan.total));
      if (this.#stopping.signal.aborted) return;
      sweep = await this.#keep(sweep, batch);
      const { sweepId, next, total, found } = sweep;
      log.info("sweep goes on", { sweepId, next, total, found });
    }
  }

  async #probe(prober: Prober, plan: SweepPlan, from: number, to: number): Promise<Batch> {
    const { atOnce, perSecond } = this.#options.config.sweeps as Required<ProbeConfig>["sweeps"];
    const batch: Batch = { end: to, seen: [], refused: 0 };
    const { signal } = this.#stopping;
    const indices = Array.from({ length: to - from }, (_, i) => from + i);
    await inParallel(indices, { atOnce, perSecond, signal }, async (index) => {
      try {
        batch.seen.push(await prober.probe({ ...plan.at(index), scheme: "https" }, signal));
      } catch (error) {
        if (!(error instanceof PkiError) || error.code !== "PROBE_REFUSED") throw error;
        batch.refused++;
      }
    });
    return batch;
  }

  /** One commit: what was seen, and how far it has come. */
  #keep(sweep: SweepRecord, { end, seen, refused }: Batch): Promise<SweepRecord> {
    const { store, table, inventory, clock } = this.#options;
    return store.write(() => {
      const found = seen.filter(({ verdict }) => verdict !== "unreachable");
      const verdicts = { ...sweep.verdicts };
      for (const observation of seen)
        inventory.record(observation, { organisation: sweep.organisation, service: "", source: "sweep" });
      for (const { verdict } of found) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      const kept = {
        ...{ ...sweep, next: end, found: sweep.found + found.length, refused: sweep.refused + refused, verdicts },
        endedAt: end === sweep.total ? clock.now() : undefined,
      };
      table.put(kept);
      return kept;
    });
  }
}

interface Batch {
  readonly end: number;
  readonly seen: Observation[];
  refused: number;
}

function parseNetwork(text: string): Network {
  try {
    return new Network(text);
  } catch (cause) {
    throw new PkiError("REQUEST_MALFORMED", `not a network in CIDR notation: ${text.slice(0, 64)}`, { cause });
  }
}
