import { join } from "node:path";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import type { Bench, BenchContext, Figure } from "../bench.ts";
import { percentile } from "../statistics.ts";
import { prefillTokens } from "../time-stamps/prefill.ts";
import { requireGoodToken, timestampService, wrkQuestions } from "../time-stamps/questions.ts";
import { measureWrk, type WrkFigures } from "../wrk.ts";

const LOGGED = 10_000_000;
const LOAD = { connections: 32, warmUpSeconds: 2, measureSeconds: 5 } as const;
const LOOK_UPS = 20;

/** Whether tokens are made as fast among ten million in the log as with an almost empty one: two suites side by side, measured in turns. */
export const tsaLog: Bench = {
  name: "tsa-log",
  summary:
    "time-stamp tokens with 10,000,000 in the log against an almost empty one; finding one by digest and serial number",
  needs: ["wrk"],
  async run(context) {
    const full = await startFilled(context, join(context.workDirectory, "full"));
    try {
      context.progress("starting a suite with an empty log");
      const empty = await startSuite(join(context.workDirectory, "empty"));
      try {
        await Promise.all([requireGoodToken(empty), requireGoodToken(full)]);
        return [...(await measureTokens(context, empty, full)), ...(await measureLookUps(context, full))];
      } finally {
        await empty.stop();
      }
    } finally {
      await full.stop();
    }
  },
};

async function startFilled({ progress }: BenchContext, home: string): Promise<Suite> {
  progress("starting the suite whose log is to be filled");
  const first = await startSuite(home);
  try {
    await requireGoodToken(first);
  } finally {
    await first.stop();
  }
  await prefillTokens(
    home,
    LOGGED,
    (done) => done % 1_000_000 === 0 && progress(`logged ${done.toLocaleString("en-US")} tokens`),
  );
  return await startSuite(home);
}

async function measureTokens(
  { runs, workDirectory: directory, progress }: BenchContext,
  empty: Suite,
  full: Suite,
): Promise<Figure[]> {
  const questions = wrkQuestions();
  const load = (suite: Suite) => measureWrk({ port: suite.tsaHttpPort, questions }, { ...LOAD, directory });
  const measured: { readonly empty: WrkFigures; readonly full: WrkFigures }[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`run ${run} of ${runs}`);
    measured.push({ empty: await load(empty), full: await load(full) });
  }
  const of = (value: (run: (typeof measured)[number]) => number) => measured.map(value);
  return [
    { name: "HTTP, 32 connections, almost empty log", unit: "/s", values: of((run) => run.empty.perSecond) },
    { name: "HTTP, 32 connections, 10,000,000 in the log", unit: "/s", values: of((run) => run.full.perSecond) },
    {
      ...{ name: "10,000,000 in the log against almost none", unit: "ratio", target: { atLeast: 0.9 } },
      values: of((run) => run.full.perSecond / run.empty.perSecond),
    },
    { name: "HTTP, 32 connections, almost empty log, p99", unit: "ms", values: of((run) => run.empty.p99Ms) },
    { name: "HTTP, 32 connections, 10,000,000 in the log, p99", unit: "ms", values: of((run) => run.full.p99Ms) },
  ];
}

/** Of tokens that were stamped just now: one by its digest is looked for among all, whatever its age. */
async function measureLookUps({ runs, progress }: BenchContext, suite: Suite): Promise<Figure[]> {
  const service = timestampService(suite);
  const byDigest: number[] = [];
  const bySerial: number[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`looking up: run ${run} of ${runs}`);
    const digest = await requireGoodToken(suite);
    const find = () => service.findTokens({ digest, pageSize: 0, pageToken: "" });
    const [token] = (await find()).tokens;
    if (token === undefined) throw new Error("a token is not found by its digest");
    byDigest.push(await timeEach(find));
    bySerial.push(await timeEach(() => service.getToken({ serialHex: token.serialHex })));
  }
  return [
    { name: "found by digest among 10,000,000, p50", unit: "ms", values: byDigest },
    { name: "found by serial number among 10,000,000, p50", unit: "ms", values: bySerial },
  ];
}

async function timeEach(lookUp: () => Promise<unknown>): Promise<number> {
  const latenciesMs: number[] = [];
  for (let i = 0; i < LOOK_UPS; i++) {
    const startedAt = systemClock.monotonicMs();
    await lookUp();
    latenciesMs.push(systemClock.monotonicMs() - startedAt);
  }
  return percentile(Float64Array.from(latenciesMs).sort(), 0.5);
}
