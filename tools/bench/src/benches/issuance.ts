import { availableParallelism } from "node:os";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { measureFsync } from "../baselines/fsync.ts";
import { measureOpensslX509 } from "../baselines/openssl-x509.ts";
import { measureToken } from "../baselines/token.ts";
import type { Baseline, Bench, BenchContext, Figure } from "../bench.ts";
import { type WithCpu, withCpuTimes } from "../cpu-time.ts";
import { buildCsrPool } from "../csr-pool.ts";
import { type LoadFigures, measureLoad } from "../load.ts";
import { createTenant, dnsNameOf, type Tenant } from "../tenant.ts";

const CSRS = 512;
const WARM_UP_MS = 2_000;
const MEASURE_MS = 5_000;

/** From CSR to durable certificate, over mutual-TLS gRPC to a running suite: ca, hsm-gateway, NATS, gateway and this client share the
 *  machine. The baselines are how scripts issue, and what token and disk could do if nothing else had to be done. */
export const issuance: Bench = {
  name: "issuance",
  summary: "certificates over gRPC, 64 and 1 in flight, P-256 and P-384 authorities",
  async run(context) {
    const { workDirectory, progress } = context;
    progress("measuring openssl x509 -req, the bare token and the disk");
    const baselines = await measureBaselines(workDirectory);
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      const tenant = await createTenant(suite);
      const csrs = buildCsrPool(CSRS, dnsNameOf);
      const { p256, p384 } = tenant.authorityIds;
      return [
        ...p256Figures(await measureAuthority(context, { suite, tenant, csrs, authorityId: p256 }), baselines),
        ...p384Figures(await measureAuthority(context, { suite, tenant, csrs, authorityId: p384 })),
      ];
    } finally {
      await suite.stop();
    }
  },
};

async function measureBaselines(workDirectory: string): Promise<Baseline[]> {
  const workers = availableParallelism();
  return [
    {
      name: `openssl x509 -req, ${workers} processes at a time, /s`,
      value: await measureOpensslX509(workDirectory, systemClock, { workers }),
    },
    { name: "bare token, /s", value: await measureToken({ copyable: false, clock: systemClock }) },
    { name: "fsync, one at a time, /s", value: measureFsync(workDirectory, systemClock) },
  ];
}

interface Subject {
  readonly suite: Suite;
  readonly tenant: Tenant;
  readonly csrs: readonly Uint8Array[];
  readonly authorityId: string;
}

const SERVICES = ["ca", "hsm-gateway", "ocsp", "nats"] as const;
const PROCESSES = ["client", ...SERVICES] as const;
type ProcessName = (typeof PROCESSES)[number];

interface AuthorityLoads {
  readonly busy: readonly WithCpu<ProcessName, LoadFigures>[];
  readonly alone: readonly LoadFigures[];
}

async function measureAuthority({ runs, progress }: BenchContext, subject: Subject): Promise<AuthorityLoads> {
  const { suite, tenant, csrs, authorityId } = subject;
  const load = (inFlight: number) =>
    measureLoad({
      ...{ inFlight, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS, clock: systemClock },
      operation: (sequence) => tenant.issue(csrs[sequence % csrs.length] ?? new Uint8Array(), authorityId),
    });
  const pids = Object.fromEntries([
    ["client", process.pid],
    ...SERVICES.map((name) => [name, suite.pidOf(name)]),
  ]) as Record<ProcessName, number>;
  const busy: WithCpu<ProcessName, LoadFigures>[] = [];
  const alone: LoadFigures[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`${authorityId}: run ${run} of ${runs}`);
    busy.push(await withCpuTimes(pids, () => load(64)));
    alone.push(await load(1));
  }
  return { busy, alone };
}

const p256Figures = ({ busy, alone }: AuthorityLoads, baselines: Baseline[]): Figure[] => [
  { name: "P-256, 64 in flight", unit: "/s", values: busy.map(rate), target: { atLeast: 1_500 }, baselines },
  { name: "P-256, 64 in flight, p50", unit: "ms", values: busy.map(p50) },
  { name: "P-256, 64 in flight, p99", unit: "ms", values: busy.map(p99), target: { atMost: 100 } },
  { name: "P-256, 1 in flight", unit: "/s", values: alone.map(rate) },
  { name: "P-256, 1 in flight, p50", unit: "ms", values: alone.map(p50), target: { atMost: 8 } },
  { name: "P-256, 1 in flight, p99", unit: "ms", values: alone.map(p99) },
  ...PROCESSES.map((name) => ({
    name: `P-256, processor time, ${name}`,
    unit: "µs/certificate",
    values: busy.map(({ cpuUs }) => cpuUs[name]),
  })),
];

const p384Figures = ({ busy, alone }: AuthorityLoads): Figure[] => [
  { name: "P-384, 64 in flight", unit: "/s", values: busy.map(rate) },
  { name: "P-384, 64 in flight, p99", unit: "ms", values: busy.map(p99) },
  { name: "P-384, 1 in flight, p50", unit: "ms", values: alone.map(p50) },
];

const rate = ({ perSecond }: LoadFigures): number => perSecond;
const p50 = ({ p50Ms }: LoadFigures): number => p50Ms;
const p99 = ({ p99Ms }: LoadFigures): number => p99Ms;
