import { randomUUIDv7 } from "node:crypto";
import { type Key, KeyPurpose, KeyServiceDefinition, SigningServiceDefinition } from "@vcc-pki/proto/hsm";
import { openSigningChannel, remoteSigner, type Signer } from "@vcc-pki/signer";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { measureFsync } from "../baselines/fsync.ts";
import { measureToken } from "../baselines/token.ts";
import type { Bench, BenchContext, Figure } from "../bench.ts";
import { type WithCpu, withCpuTimes } from "../cpu-time.ts";
import { type GatewayProcess, startGatewayProcess } from "../gateway-process.ts";
import { type LoadFigures, measureLoad } from "../load.ts";
import { buildTimeStampAttributes } from "../signed-attributes.ts";

const ORGANISATION = "bench";
const CALLER = "tsa";
const PAYLOADS = 256;
const WARM_UP_MS = 1_500;
const MEASURE_MS = 4_000;

/** P-256 signatures through libs/signer's stream to an hsm-gateway in another process, over mutual TLS, each in the ledger before it is
 *  returned. The key is a time-stamping key: typed, parsed, recorded, and (unlike a CA key) not verified a second time. */
export const hsmStream: Bench = {
  name: "hsm-stream",
  summary: "P-256 signatures over the hsm-gateway's stream, 64 and 1 in flight",
  async run(context) {
    const { workDirectory, progress } = context;
    progress("measuring the bare token and the disk");
    const baselines = {
      tokenObject: await measureToken({ copyable: false, clock: systemClock }),
      sessionCopy: await measureToken({ copyable: true, clock: systemClock }),
      fsync: measureFsync(workDirectory, systemClock),
    };
    progress("starting an hsm-gateway");
    const gateway = await startGatewayProcess(workDirectory, { [CALLER]: ["time-stamping"] });
    try {
      const channel = openSigningChannel(gateway.connect(SigningServiceDefinition, CALLER), {
        log: silentLogger,
        clock: systemClock,
        deadlineMs: 10_000,
      });
      try {
        const loads: Loads = {
          sessionCopy: await measureKey(context, gateway.pid, await signerOf(gateway, channel, true), "session copy"),
          tokenObject: await measureKey(context, gateway.pid, await signerOf(gateway, channel, false), "token object"),
        };
        return figuresOf(loads, baselines);
      } finally {
        await channel.close();
      }
    } finally {
      await gateway.stop();
    }
  },
};

type ProcessName = "client" | "hsm-gateway";

interface KeyLoads {
  readonly busy: readonly WithCpu<ProcessName, LoadFigures>[];
  readonly alone: readonly LoadFigures[];
}

interface Loads {
  readonly sessionCopy: KeyLoads;
  readonly tokenObject: KeyLoads;
}

async function signerOf(
  gateway: GatewayProcess,
  channel: ReturnType<typeof openSigningChannel>,
  copyable: boolean,
): Promise<Signer> {
  const { keyId, spkiDer }: Key = await gateway.connect(KeyServiceDefinition, CALLER).createKey({
    requestId: randomUUIDv7(),
    label: `bench ${copyable ? "copyable" : "not copyable"}`,
    keyAlgorithm: "ec-p256",
    policy: {
      purpose: KeyPurpose.TIME_STAMPING,
      organisation: ORGANISATION,
      allowedCallers: [],
      issuerNameDer: new Uint8Array(),
      signatureAlgorithms: ["ecdsa-p256-sha256"],
      rateLimitPerSecond: 0,
      quorumThreshold: 0,
      copyable,
      certificateLimits: undefined,
    },
  });
  return remoteSigner(channel, { organisation: ORGANISATION, keyId, spkiDer, algorithm: "ecdsa-p256-sha256" });
}

async function measureKey(
  { runs, progress }: BenchContext,
  gatewayPid: number,
  signer: Signer,
  name: string,
): Promise<KeyLoads> {
  const pids = { client: process.pid, "hsm-gateway": gatewayPid };
  const payloads = Array.from({ length: PAYLOADS }, buildTimeStampAttributes);
  const load = (inFlight: number) =>
    measureLoad({
      ...{ inFlight, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS, clock: systemClock },
      operation(sequence) {
        const value = payloads[sequence % PAYLOADS] ?? new Uint8Array();
        return signer.sign({ $case: "cmsSignedAttributes", value }, randomUUIDv7());
      },
    });
  const busy: WithCpu<ProcessName, LoadFigures>[] = [];
  const alone: LoadFigures[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`${name}: run ${run} of ${runs}`);
    busy.push(await withCpuTimes(pids, () => load(64)));
    alone.push(await load(1));
  }
  return { busy, alone };
}

interface Baselines {
  readonly tokenObject: number;
  readonly sessionCopy: number;
  readonly fsync: number;
}

function figuresOf({ sessionCopy, tokenObject }: Loads, baselines: Baselines): Figure[] {
  const token = { name: "bare token, token object, /s", value: baselines.tokenObject };
  const copy = { name: "bare token, session copy, /s", value: baselines.sessionCopy };
  const fsync = { name: "fsync, one at a time, /s", value: baselines.fsync };
  return [
    ...rate("session copy", sessionCopy, { atLeast: 15_000 }, [copy, fsync]),
    ...latency("session copy", sessionCopy),
    ...rate("token object", tokenObject, undefined, [token, fsync]),
    ...latency("token object", tokenObject),
  ];
}

function rate(
  key: string,
  { busy, alone }: KeyLoads,
  target: Figure["target"],
  baselines: NonNullable<Figure["baselines"]>,
): Figure[] {
  return [
    { name: `${key}, 64 in flight`, unit: "/s", values: busy.map(({ perSecond }) => perSecond), target, baselines },
    { name: `${key}, 1 in flight`, unit: "/s", values: alone.map(({ perSecond }) => perSecond), baselines },
  ];
}

const latency = (key: string, { busy, alone }: KeyLoads): Figure[] => [
  { name: `${key}, 64 in flight, p50`, unit: "ms", values: busy.map(({ p50Ms }) => p50Ms) },
  { name: `${key}, 64 in flight, p99`, unit: "ms", values: busy.map(({ p99Ms }) => p99Ms), target: { atMost: 10 } },
  { name: `${key}, 1 in flight, p50`, unit: "ms", values: alone.map(({ p50Ms }) => p50Ms), target: { atMost: 0.5 } },
  { name: `${key}, 1 in flight, p99`, unit: "ms", values: alone.map(({ p99Ms }) => p99Ms) },
  ...(["client", "hsm-gateway"] as const).map((name) => ({
    name: `${key}, processor time, ${name}`,
    unit: "µs/signature",
    values: busy.map(({ cpuUs }) => cpuUs[name]),
  })),
];
