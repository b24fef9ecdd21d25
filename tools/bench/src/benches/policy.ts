import { readFileSync } from "node:fs";
import { Decider, readMatrix } from "@vcc-pki/matrix";
import { PolicyServiceDefinition } from "@vcc-pki/proto/discovery";
import { AuthorizationDefinition } from "@vcc-pki/proto/envoy-ext-authz";
import { HealthDefinition } from "@vcc-pki/proto/health";
import { startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import type { Bench, Figure } from "../bench.ts";
import { type WithCpu, withCpuTimes } from "../cpu-time.ts";
import { type LoadFigures, measureLoad } from "../load.ts";
import { spreadOf } from "../statistics.ts";
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

      const measured: Measured[] = [];
      for (let run = 1; run <= runs; run++) {
        progress(`run ${run} of ${runs}`);
        const busy = (inFlight: number, operation: (sequence: number) => Promise<unknown>) =>
          withCpuTimes(pids, () => load(inFlight, operation));
        measured.push({
          empty: await busy(32, () => health.check({ service: "" })),
          single: await busy(32, (sequence) => matrix.check(at(checks, sequence))),
          batch: await busy(4, () => matrix.checkBatch(batch)),
          envoy: await busy(32, (sequence) => envoy.check(at(questions, sequence))),
          emptyAlone: await load(1, () => health.check({ service: "" })),
          envoyAlone: await load(1, (sequence) => envoy.check(at(questions, sequence))),
          inProcess: decisionsPerSecond(),
        });
      }
      clara.close();
      return figuresOf(measured);
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

interface Measured {
  readonly empty: WithCpu<string, LoadFigures>;
  readonly single: WithCpu<string, LoadFigures>;
  readonly batch: WithCpu<string, LoadFigures>;
  readonly envoy: WithCpu<string, LoadFigures>;
  readonly emptyAlone: LoadFigures;
  readonly envoyAlone: LoadFigures;
  readonly inProcess: number;
}

function figuresOf(measured: readonly Measured[]): Figure[] {
  const of = (pick: (each: Measured) => number) => measured.map(pick);
  const besideEmpty = (name: string, pick: (each: Measured) => number) => ({
    baselines: [{ name: `an empty RPC of the same service, ${name}`, value: spreadOf(of(pick)).median }],
  });
  const rate = besideEmpty("32 in flight, /s", ({ empty }) => empty.perSecond);
  const cpu = besideEmpty("µs", ({ empty }) => empty.cpuUs.discovery ?? 0);
  return [
    {
      ...{ name: "Check, 32 in flight", unit: "/s", target: { atLeast: 4_000 }, ...rate },
      values: of(({ single }) => single.perSecond),
    },
    {
      ...{ name: "Check, 32 in flight, p99", unit: "ms", target: { atMost: 10 } },
      ...besideEmpty("p99, ms", ({ empty }) => empty.p99Ms),
      values: of(({ single }) => single.p99Ms),
    },
    {
      ...{ name: "CheckBatch of 1,000, 4 in flight", unit: "decisions/s", target: { atLeast: 100_000 } },
      values: of(({ batch }) => batch.perSecond * BATCH),
    },
    {
      ...{ name: "ext_authz, 32 in flight", unit: "/s", ...rate },
      values: of(({ envoy }) => envoy.perSecond),
    },
    {
      ...{ name: "ext_authz, 1 in flight, p50", unit: "ms", target: { atMost: 1 } },
      ...besideEmpty("p50, ms", ({ emptyAlone }) => emptyAlone.p50Ms),
      values: of(({ envoyAlone }) => envoyAlone.p50Ms),
    },
    {
      ...{ name: "in process", unit: "decisions/s", target: { atLeast: 1_000_000 } },
      values: of(({ inProcess }) => inProcess),
    },
    {
      ...{ name: "processor time of discovery", unit: "µs/Check", ...cpu },
      values: of(({ single }) => single.cpuUs.discovery ?? 0),
    },
    {
      ...{ name: "processor time of discovery", unit: "µs/ext_authz", ...cpu },
      values: of(({ envoy }) => envoy.cpuUs.discovery ?? 0),
    },
    {
      ...{ name: "processor time of discovery, in batches", unit: "µs/decision" },
      values: of(({ batch }) => (batch.cpuUs.discovery ?? 0) / BATCH),
    },
    {
      ...{ name: "processor time of the client", unit: "µs/Check" },
      values: of(({ single }) => single.cpuUs.client ?? 0),
    },
  ];
}
