import { setTimeout as sleep } from "node:timers/promises";
import type { Bench, BenchContext, Figure } from "../bench.ts";
import { type Filled, startFilled } from "../filled-suite.ts";
import { answeredOnly, answersAhead, issuerOf, pathOf, questionAbout, signedSoMany } from "../ocsp-questions.ts";
import { processAgeMs } from "../process-age.ts";
import { residentMegabytes } from "../resident-memory.ts";
import { measureWrk, type WrkFigures } from "../wrk.ts";

const KNOWN = { small: 1_000, large: 1_000_000 } as const;
/** A million in 81 days, so that none has expired after 180. */
const SPACING_MS = 7_000;
/** As many different ones are asked about in either suite. */
const ASKED = 1_000;
/** And as many in the large one, far more than whole answers are kept ready: each is put together when it is asked for. */
const ASKED_WIDELY = 200_000;
const LOAD = { connections: 32, warmUpSeconds: 2, measureSeconds: 5 } as const;
const POLL_MS = 500;
/** After this an idle process has collected its garbage. */
const IDLE_MS = 15_000;

/** OCSP by GET among a million certificates against a thousand: two suites side by side, whose ocsp services have copied everything from
 *  their ca and signed an answer about each certificate in the token, measured in turns. */
export const ocspMillion: Bench = {
  name: "ocsp-million",
  summary: "OCSP answers by GET among 1,000,000 certificates against 1,000; memory for them",
  needs: ["wrk"],
  async run(context) {
    const small = await start(context, "small", ASKED);
    try {
      const large = await start(context, "large", ASKED_WIDELY);
      try {
        return figuresOf(await measureAll(context, small, large), small, large);
      } finally {
        await large.suite.stop();
      }
    } finally {
      await small.suite.stop();
    }
  },
};

interface Subject extends Filled {
  readonly paths: readonly string[];
  /** From the start of the ocsp process until every answer was signed. */
  readonly secondsToSign: number;
  /** Before anybody asked. */
  readonly idleMegabytes: number;
}

async function start(context: BenchContext, name: keyof typeof KNOWN, asked: number): Promise<Subject> {
  const count = KNOWN[name];
  const serials: Uint8Array[] = [];
  const stored = (serial: Uint8Array, index: number) => {
    if (index % (count / asked) === 0) serials.push(serial);
  };
  const filled = await startFilled(context, name, { count, spacingMs: SPACING_MS, revokedEvery: undefined, stored });
  const { suite, tenant } = filled;
  try {
    context.progress(`waiting for the answers about ${count.toLocaleString("en-US")} certificates`);
    await signedSoMany(suite, count, POLL_MS);
    const secondsToSign = processAgeMs(suite.pidOf("ocsp")) / 1_000;
    const authorityId = tenant.authorityIds.p256;
    const issuer = await issuerOf(suite, authorityId);
    const questions = inNoOrder(serials).map((serial) => questionAbout(issuer, serial));
    await answersAhead(suite, authorityId, questions.slice(0, ASKED));
    const paths = questions.map((question) => pathOf(authorityId, question));
    await sleep(IDLE_MS);
    return { ...filled, paths, secondsToSign, idleMegabytes: residentMegabytes(suite.pidOf("ocsp")) };
  } catch (error) {
    await suite.stop();
    throw error;
  }
}

/** Far apart in the order in which they were stored: every so-many-th, round and round. */
function inNoOrder<T>(items: readonly T[]): T[] {
  const stride = 7_919; // a prime that divides no round number
  return items.flatMap((_, i) => items[(i * stride) % items.length] ?? []);
}

interface Measured {
  readonly small: WrkFigures;
  readonly large: WrkFigures;
  readonly widely: WrkFigures;
  readonly smallMegabytes: number;
  readonly largeMegabytes: number;
}

async function measureAll(context: BenchContext, small: Subject, large: Subject): Promise<Measured[]> {
  const { runs, workDirectory, progress } = context;
  const options = { ...LOAD, directory: workDirectory };
  const load = ({ suite }: Subject, paths: readonly string[]) =>
    answeredOnly(suite, "ahead", () =>
      measureWrk({ port: suite.ocspHttpPort, questions: { method: "GET", paths } }, options),
    );
  const measured: Measured[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`run ${run} of ${runs}`);
    const rates = {
      small: await load(small, small.paths),
      large: await load(large, large.paths.slice(0, ASKED)),
      widely: await load(large, large.paths),
    };
    await sleep(IDLE_MS);
    const [smallMegabytes, largeMegabytes] = [small, large].map(({ suite }) => residentMegabytes(suite.pidOf("ocsp")));
    measured.push({ ...rates, smallMegabytes: smallMegabytes ?? 0, largeMegabytes: largeMegabytes ?? 0 });
  }
  return measured;
}

function figuresOf(measured: readonly Measured[], small: Subject, large: Subject): Figure[] {
  const of = (value: (each: Measured) => number) => measured.map(value);
  const ratio = { unit: "ratio", target: { atLeast: 0.9 } } as const;
  const growth = { unit: "MB", target: { atMost: 250 } } as const;
  return [
    { name: "GET among 1,000, 1,000 of them asked", unit: "/s", values: of((each) => each.small.perSecond) },
    { name: "GET among 1,000,000, 1,000 of them asked", unit: "/s", values: of((each) => each.large.perSecond) },
    { name: "GET among 1,000,000, 200,000 of them asked", unit: "/s", values: of((each) => each.widely.perSecond) },
    { name: "1,000,000 against 1,000, 1,000 asked", ...ratio, values: of(against(({ large }) => large)) },
    { name: "1,000,000 against 1,000, 200,000 asked", ...ratio, values: of(against(({ widely }) => widely)) },
    {
      ...{ name: "GET among 1,000,000, 200,000 of them asked, p99", unit: "ms", target: { atMost: 5 } },
      values: of((each) => each.widely.p99Ms),
    },
    {
      ...{ name: "memory of ocsp, more than with 1,000, idle, before the load", ...growth },
      values: [large.idleMegabytes - small.idleMegabytes],
    },
    {
      ...{ name: "memory of ocsp, more than with 1,000, idle, after the load", ...growth },
      values: of((each) => each.largeMegabytes - each.smallMegabytes),
    },
    { name: "1,000,000 answers, from the start of an empty ocsp", unit: "s", values: [large.secondsToSign] },
  ];
}

const against =
  (which: (each: Measured) => WrkFigures) =>
  (each: Measured): number =>
    which(each).perSecond / each.small.perSecond;
