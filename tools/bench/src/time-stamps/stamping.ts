import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Suite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { type ForeignAuthority, foreignAuthority } from "@vcc-pki/tsa/foreign";
import { messageImprintOf } from "@vcc-pki/x509";
import { measureToken } from "../baselines/token.ts";
import type { BenchContext, Figure } from "../bench.ts";
import { OUR_PROGRAMS, type WithCpu, withCpuTimes } from "../cpu-time.ts";
import { spreadOf } from "../statistics.ts";
import { measureWrk, type WrkFigures } from "../wrk.ts";
import { newDigest, questionAbout, requireGoodToken, wrkQuestions } from "./questions.ts";

const BUSY = { connections: 32, warmUpSeconds: 2, measureSeconds: 5 } as const;
const ALONE = { connections: 1, warmUpSeconds: 1, measureSeconds: 3 } as const;
const OPENSSL_MS = 2_000;

const PROCESSES = ["client", "tsa", "hsm-gateway"] as const;
type ProcessName = (typeof PROCESSES)[number];

interface Run {
  readonly busy: WithCpu<ProcessName, WrkFigures>;
  readonly alone: WrkFigures;
  readonly openssl: number;
}

/** Tokens over HTTP, as any RFC 3161 client asks for them, in turns with `openssl ts -reply`. */
export async function measureStamping(context: BenchContext, suite: Suite): Promise<Figure[]> {
  const { runs, workDirectory, progress } = context;
  progress("measuring the bare token");
  const token = await measureToken({ copyable: true, clock: systemClock });
  const directory = join(workDirectory, "openssl");
  mkdirSync(directory);
  const openssl = foreignAuthority(directory);
  await requireGoodToken(suite);

  const target = { port: suite.tsaHttpPort, questions: wrkQuestions() };
  const processes = {
    client: OUR_PROGRAMS,
    tsa: suite.pidOf("tsa"),
    "hsm-gateway": suite.pidOf("hsm-gateway"),
  } as const;
  const measured: Run[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`over HTTP: run ${run} of ${runs}`);
    measured.push({
      openssl: measureOpenssl(openssl),
      busy: await withCpuTimes(processes, () => measureWrk(target, { ...BUSY, directory })),
      alone: await measureWrk(target, { ...ALONE, directory }),
    });
  }
  await requireGoodToken(suite);
  return figuresOf(measured, token);
}

/** Tokens per second of `openssl ts -reply`, one process for each, one after another. Its keys are files, and it keeps no log. */
function measureOpenssl(openssl: ForeignAuthority): number {
  const startedAt = systemClock.monotonicMs();
  let count = 0;
  while (systemClock.monotonicMs() - startedAt < OPENSSL_MS) {
    openssl.reply(questionAbout(messageImprintOf("sha256", newDigest())));
    count++;
  }
  return (count * 1_000) / (systemClock.monotonicMs() - startedAt);
}

function figuresOf(measured: readonly Run[], token: number): Figure[] {
  const of = (value: (run: Run) => number) => measured.map(value);
  const baselines = [
    { name: "openssl ts -reply, a process for each token, /s", value: spreadOf(of(({ openssl }) => openssl)).median },
    { name: "bare token, session copy, /s", value: token },
  ];
  return [
    {
      ...{ name: "HTTP, 32 connections", unit: "/s", target: { atLeast: 7_000 }, baselines },
      values: of(({ busy }) => busy.perSecond),
    },
    {
      ...{ name: "HTTP, 32 connections, against openssl ts -reply", unit: "ratio", target: { atLeast: 80 } },
      values: of(({ busy, openssl }) => busy.perSecond / openssl),
    },
    { name: "HTTP, 32 connections, p50", unit: "ms", values: of(({ busy }) => busy.p50Ms) },
    { name: "HTTP, 32 connections, p99", unit: "ms", values: of(({ busy }) => busy.p99Ms), target: { atMost: 20 } },
    { name: "HTTP, 1 connection", unit: "/s", values: of(({ alone }) => alone.perSecond) },
    { name: "HTTP, 1 connection, p50", unit: "ms", values: of(({ alone }) => alone.p50Ms), target: { atMost: 2 } },
    { name: "HTTP, 1 connection, p99", unit: "ms", values: of(({ alone }) => alone.p99Ms) },
    ...PROCESSES.map((name) => ({
      ...{ name: `HTTP, 32 connections, processor time, ${name}`, unit: "µs/token" },
      values: of(({ busy }) => busy.cpuUs[name]),
    })),
  ];
}
