import { randomBytes } from "node:crypto";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import type { z } from "zod";
import { ClockConfig, type ClockEvidence, ClockProof, type ClockSource, createSources } from "../src/clock/index.ts";
import { type Behaviour, type Responder, startResponder } from "./clock-responder.ts";

export interface ClockHarness {
  readonly clock: FakeClock;
  readonly proof: ClockProof;
  readonly servers: readonly Responder[];
  readonly recorded: ClockEvidence[];
  /** "before > after". */
  readonly changes: string[];
  /** What `record` waits for. */
  readonly store: { write: () => Promise<void> };
  /** Lets time pass in whole ticks of a second. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface ClockHarnessOptions {
  readonly servers?: readonly Partial<Behaviour>[];
  readonly config?: Partial<z.input<typeof ClockConfig>>;
  readonly more?: readonly ClockSource[];
  readonly start?: string;
}

/** A proof with real servers behind real sockets and a clock that stands still. */
export async function newClock(options: ClockHarnessOptions = {}): Promise<ClockHarness> {
  const clock = fakeClock(options.start);
  const servers: Responder[] = [];
  for (const behaviour of options.servers ?? [{}, {}, {}, {}]) servers.push(await startResponder(clock, behaviour));
  const config = ClockConfig.parse({
    ...{ servers: servers.map(({ name }) => name), timeout: "100ms", jitter: 0 },
    ...options.config,
  });
  const recorded: ClockEvidence[] = [];
  const changes: string[] = [];
  const store = { write: async () => {} };
  const proof = new ClockProof({
    ...{ config, clock, random: randomBytes },
    sources: [...createSources(config, { clock, random: randomBytes }), ...(options.more ?? [])],
    async record(evidence) {
      await store.write();
      recorded.push(evidence);
    },
    changed: (state, before) => changes.push(`${before} > ${state}`),
  });
  return {
    ...{ clock, proof, servers, recorded, changes, store },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000);
        await proof.tick();
      }
    },
    async close() {
      for (const server of servers) await server.close().catch(() => {});
    },
  };
}
