import { readFileSync } from "node:fs";
import { Decider, readMatrix } from "@vcc-pki/matrix";
import { PolicyServiceDefinition } from "@vcc-pki/proto/discovery";
import { AuthorizationDefinition } from "@vcc-pki/proto/envoy-ext-authz";
import { HealthDefinition } from "@vcc-pki/proto/health";
import { startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import type { Bench } from "../bench.ts";
import { type WithCpu, withCpuTimes } from "../cpu-time.ts";
import { type LoadFigures, measureLoad } from "../load.ts";
import { certifyWorkload, workloadUri } from "../workload.ts";

const MATRIX = new URL("../../../../deploy/policies/service-matrix.yaml", import.meta.url);
const DISCOVERY_PORT = 7406;
const WARM_UP_MS = 1_500;
const MEASURE_MS = 4_000;
const BATCH = 1_000;
const IN_PROCESS_DECISIONS = 2_000_000;
/** Some are allowed, some are not, some hang on the path. */
const CALLS = ["argus", "veritas", "vpb", "scraper"].flatMap((source) =>
  ["/status", "/api/v1/registry/models/7", "/generate", "/load_adapter"].map((path) => ({
    ...{ source, method: "POST", path: `${path}?n=1` },
  })),
);

/** Whether services may call each other, asked of a running suite by a service with its own certificate. */
export const policy: Bench = {
  name: "policy",
  summary: "decisions by the communication matrix: single, in batches of a thousand, as Envoy asks, and in process",
  async run({ runs, workDirectory, progress }) {
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      const clara = await certifyWorkload(suite, "clara-serving");
      const port = DISCOVERY_PORT + suite.portOffset;
      const matrix = clara.connect(PolicyServiceDefinition, "discovery", port);
      const envoy = clara.connect(AuthorizationDefinition, "discovery", port);
      const health = suite.connect(HealthDefinition, "discovery", "gateway");
      const checks = CALLS.map(({ source, ...place }) => ({
        ...{ source: workloadUri(source), targetService: "clara-serving", targetOrganisation: "", ...place },
      }));
      const batch = { checks: Array.from({ length: BATCH }, (_, i) => at(checks, i)) };
      const questions = CALLS.map(({ source, method, path }) => ({
        attributes: { source: { principal: workloadUri(source) }, request: { http: { method, path } } },
      }));
      const pids = { client: process.pid, discovery: suite.pidOf("discovery") };
      const load = (inFlight: number, operation: (sequence: number) => Promise<unknown>) =>
        measureLoad({ inFlight, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS, clock: systemClock, operation });

      const single: WithCpu<string, LoadFigures>[] = [];
      const [empty, batched, asked, alone, emptyAlone]: LoadFigures[][] = [[], [], [], [], []];
      const inProcess: number[] = [];
      for (let run = 1; run <= runs; run++) {
        progress(`run ${run} of ${runs}`);
        empty?.push(await load(32, () => health.check({ service: "" })));
        single.push(await withCpuTimes(pids, () => load(32, (sequence) => matrix.check(at(checks, sequence)))));
        batched?.push(await load(4, () => matrix.checkBatch(batch)));
        asked?.push(await load(32, (sequence) => envoy.check(at(questions, sequence))));
        emptyAlone?.push(await load(1, () => health.check({ service: "" })));
        alone?.push(await load(1, (sequence) => envoy.check(at(questions, sequence))));
        inProcess.push(decisionsPerSecond());
      }
      clara.close();
      const values = (figures: readonly LoadFigures[] | undefined, name: "perSecond" | "p50Ms" | "p99Ms") =>
        (figures ?? []).map((figure) => figure[name]);
      const emptyRate = median(values(empty, "perSecond"));
      const emptyMs = median(values(emptyAlone, "p50Ms"));
      const beside = { name: "an empty RPC of the same stack, 32 in flight, /s", value: emptyRate };
      return [
        {
          ...{ name: "Check, 32 in flight", unit: "/s", values: values(single, "perSecond") },
          ...{ target: { atLeast: 4_000 }, baselines: [beside] },
        },
        {
          ...{ name: "Check, 32 in flight, p99", unit: "ms", values: values(single, "p99Ms"), target: { atMost: 10 } },
          baselines: [{ name: "an empty RPC, p99, ms", value: median(values(empty, "p99Ms")) }],
        },
        {
          ...{ name: "CheckBatch of 1,000, 4 in flight", unit: "decisions/s" },
          values: values(batched, "perSecond").map((perSecond) => perSecond * BATCH),
          ...{ target: { atLeast: 100_000 }, baselines: [beside] },
        },
        {
          ...{ name: "ext_authz, 32 in flight", unit: "/s", values: values(asked, "perSecond"), baselines: [beside] },
        },
        {
          ...{ name: "ext_authz, 1 in flight, p50", unit: "ms", values: values(alone, "p50Ms"), target: { atMost: 1 } },
          baselines: [{ name: "an empty RPC, 1 in flight, p50, ms", value: emptyMs }],
        },
        { name: "in process", unit: "decisions/s", values: inProcess, target: { atLeast: 1_000_000 } },
        ...(["client", "discovery"] as const).map((name) => ({
          ...{ name: `processor time, ${name}`, unit: "µs/Check", values: single.map(({ cpuUs }) => cpuUs[name] ?? 0) },
        })),
      ];
    } finally {
      await suite.stop();
    }
  },
};

/** Round and round. */
function at<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length];
  if (found === undefined) throw new Error("nothing to ask");
  return found;
}

function decisionsPerSecond(): number {
  const { matrix } = readMatrix(readFileSync(MATRIX, "utf8"), { types: { "clara-serving": "clara" } });
  if (matrix === undefined) throw new Error("the shipped matrix holds no more");
  const decider = new Decider(matrix);
  const calls = CALLS.map((call) => ({ ...call, target: "clara-serving" }));
  const begun = systemClock.monotonicMs();
  let allowed = 0;
  for (let i = 0; i < IN_PROCESS_DECISIONS; i++) if (decider.decide(at(calls, i)).allowed) allowed += 1;
  if (allowed === 0) throw new Error("nothing was allowed");
  return (IN_PROCESS_DECISIONS * 1_000) / (systemClock.monotonicMs() - begun);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
