import { hash, randomBytes, randomUUIDv7 } from "node:crypto";
import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { SignatureServiceDefinition, SignerServiceDefinition } from "@vcc-pki/proto/signing";
import type { Remote } from "@vcc-pki/rpc";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { measureFsync } from "../baselines/fsync.ts";
import { measureToken } from "../baselines/token.ts";
import type { Bench } from "../bench.ts";
import { type WithCpu, withCpuTimes } from "../cpu-time.ts";
import { type LoadFigures, measureLoad } from "../load.ts";

const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/bench";
const SIGNER = "bench";
const WORKLOAD = `spiffe://vcc.internal/org/brandenburg/service/${SIGNER}`;
const WARM_UP_MS = 1_500;
const MEASURE_MS = 4_000;
const BULK = 100;
const BULKS = 10;
const SERVICES = ["signing", "tsa", "hsm-gateway"] as const;

type Signatures = Remote<typeof SignatureServiceDefinition>;

/** Digests signed by a running suite, from the gateway's place: policy, the token's signature, the tsa's token, everything verified and on disk. */
export const signing: Bench = {
  name: "signing",
  summary: "digests signed as CAdES-B-T, 32 and 1 in flight, and 100 in one request",
  async run({ runs, workDirectory, progress }) {
    const token = {
      name: "bare token, session copy, /s",
      value: await measureToken({ copyable: true, clock: systemClock }),
    };
    const fsync = { name: "fsync, one at a time, /s", value: measureFsync(workDirectory, systemClock) };
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      await createSigner(suite);
      const signatures = suite.connect(SignatureServiceDefinition, "signing", "gateway");
      const pids = { client: process.pid, ...Object.fromEntries(SERVICES.map((name) => [name, suite.pidOf(name)])) };
      const load = (inFlight: number) =>
        measureLoad({
          ...{ inFlight, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS, clock: systemClock },
          operation: () => sign(signatures, 1),
        });
      const busy: WithCpu<string, LoadFigures>[] = [];
      const alone: LoadFigures[] = [];
      const bulk: number[] = [];
      for (let run = 1; run <= runs; run++) {
        progress(`run ${run} of ${runs}`);
        busy.push(await withCpuTimes(pids, () => load(32)));
        alone.push(await load(1));
        bulk.push(await bulkMs(signatures));
      }
      const baselines = [token, fsync];
      return [
        {
          name: "32 in flight",
          unit: "/s",
          values: busy.map(({ perSecond }) => perSecond),
          target: { atLeast: 1_000 },
          baselines,
        },
        { name: "32 in flight, p50", unit: "ms", values: busy.map(({ p50Ms }) => p50Ms) },
        { name: "32 in flight, p99", unit: "ms", values: busy.map(({ p99Ms }) => p99Ms) },
        { name: "1 in flight, p50", unit: "ms", values: alone.map(({ p50Ms }) => p50Ms), target: { atMost: 12 } },
        { name: "100 in one request", unit: "ms", values: bulk, target: { atMost: 500 } },
        ...(["client", ...SERVICES] as const).map((name) => ({
          name: `processor time, ${name}`,
          unit: "µs/signature",
          values: busy.map(({ cpuUs }) => cpuUs[name] ?? 0),
        })),
      ];
    } finally {
      await suite.stop();
    }
  },
};

const sign = (signatures: Signatures, count: number): Promise<unknown> =>
  signatures.signDigests(
    {
      ...{ requestId: randomUUIDv7(), signer: "" },
      sha256: Array.from({ length: count }, () => hash("sha256", randomBytes(32), "buffer")),
    },
    { requester: WORKLOAD },
  );

/** Milliseconds for a request with a hundred digests: the median of some. */
async function bulkMs(signatures: Signatures): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < BULKS; i++) {
    const begun = systemClock.monotonicMs();
    await sign(signatures, BULK);
    taken.push(systemClock.monotonicMs() - begun);
  }
  return taken.sort((a, b) => a - b)[BULKS / 2] as number;
}

/** As an administrator makes one, through the gateway. */
async function createSigner(suite: Suite): Promise<void> {
  const requester = { requester: ADMIN };
  const signers = suite.connect(SignerServiceDefinition, "signing", "gateway");
  const { signerKeyId, csrDer } = await signers.createSigner(
    { requestId: randomUUIDv7(), signer: SIGNER, keyAlgorithm: "", profile: "" },
    requester,
  );
  const { chainDer } = await suite.connect(CertificateServiceDefinition, "ca", "gateway").issue(
    {
      ...{ requestId: randomUUIDv7(), organisation: "brandenburg", profile: "code_signing", csrDer },
      ...{ authorityId: "", validitySeconds: 0 },
    },
    requester,
  );
  await signers.installCertificate({ signerKeyId, chainDer }, requester);
}
