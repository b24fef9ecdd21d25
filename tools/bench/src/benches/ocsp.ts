import { randomBytes } from "node:crypto";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { parseCertificate } from "@vcc-pki/x509";
import { measureCfssl } from "../baselines/cfssl.ts";
import { measureToken } from "../baselines/token.ts";
import type { Baseline, Bench, BenchContext, Figure } from "../bench.ts";
import {
  answeredOnly,
  answersAhead,
  issuerOf,
  ocspPath,
  pathOf,
  questionAbout,
  REQUEST_TYPE,
  requireStatus,
} from "../ocsp-questions.ts";
import { missingPrograms } from "../programs.ts";
import { spreadOf } from "../statistics.ts";
import { createTenant, issueMany } from "../tenant.ts";
import { measureWrk, type WrkFigures, type WrkTarget } from "../wrk.ts";

const CERTIFICATES = 1_000;
const NONCES = 20_000;
const LOAD = { connections: 32, warmUpSeconds: 2, measureSeconds: 5 } as const;

/** OCSP over HTTP against a running suite: answers signed ahead by POST and GET, and answers with a nonce, each signed in the token. The
 *  load generator has one core, the responder the other. Beside it cfssl, with the same answers, and the bare token. */
export const ocsp: Bench = {
  name: "ocsp",
  summary: "OCSP answers by POST and GET, 32 connections, and with a nonce; cfssl ocspserve beside it",
  needs: ["wrk"],
  async run(context) {
    const { workDirectory, progress } = context;
    progress("measuring the bare token");
    const token = await measureToken({ copyable: true, clock: systemClock });
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      const subject = await prepare(context, suite);
      return figuresOf(await measureAll(context, subject), token);
    } finally {
      await suite.stop();
    }
  },
};

interface Subject {
  readonly suite: Suite;
  readonly authorityId: string;
  readonly questions: readonly Uint8Array[];
  readonly withNonce: readonly Uint8Array[];
  /** To `questions`, signed ahead. */
  readonly answers: readonly Uint8Array[];
}

async function prepare({ progress }: BenchContext, suite: Suite): Promise<Subject> {
  const tenant = await createTenant(suite);
  const authorityId = tenant.authorityIds.p256;
  progress(`issuing ${CERTIFICATES} certificates`);
  const issued = await issueMany(tenant, authorityId, CERTIFICATES);
  const serials = issued.map((der) => parseCertificate(der).serial);
  const issuer = await issuerOf(suite, authorityId);
  const questions = serials.map((serial) => questionAbout(issuer, serial));
  const withNonce = Array.from({ length: NONCES }, (_, i) =>
    questionAbout(issuer, serials[i % CERTIFICATES] ?? new Uint8Array(), randomBytes(32)),
  );
  progress("waiting for their answers");
  const answers = await answersAhead(suite, authorityId, questions);
  for (const [i, serial] of serials.entries()) requireStatus(answers[i] ?? Buffer.of(), issuer, serial, "good");
  return { suite, authorityId, questions, withNonce, answers };
}

interface Measured {
  readonly post: WrkFigures[];
  readonly get: WrkFigures[];
  readonly nonce: WrkFigures[];
  readonly cfssl: WrkFigures[];
}

async function measureAll({ runs, workDirectory, progress }: BenchContext, subject: Subject): Promise<Measured> {
  const { suite, authorityId, questions, withNonce, answers } = subject;
  const measured: Measured = { post: [], get: [], nonce: [], cfssl: [] };
  const options = { ...LOAD, directory: workDirectory };
  const load = (kind: "ahead" | "onDemand", asked: WrkTarget["questions"]) =>
    answeredOnly(suite, kind, () => measureWrk({ port: suite.ocspHttpPort, questions: asked }, options));
  const hasCfssl = missingPrograms(["cfssl"]).length === 0;
  if (!hasCfssl) progress("cfssl is missing and is not measured; Debian: apt-get install golang-cfssl");

  const post = { method: "POST", path: ocspPath(authorityId), type: REQUEST_TYPE } as const;
  const paths = questions.map((question) => pathOf(authorityId, question));
  for (let run = 1; run <= runs; run++) {
    progress(`run ${run} of ${runs}`);
    measured.post.push(await load("ahead", { ...post, bodies: questions }));
    if (hasCfssl) measured.cfssl.push(await measureCfssl(questions, answers, options));
    measured.get.push(await load("ahead", { method: "GET", paths }));
    measured.nonce.push(await load("onDemand", { ...post, bodies: withNonce }));
  }
  return measured;
}

function figuresOf({ post, get, nonce, cfssl }: Measured, token: number): Figure[] {
  const compared = baselineOf("cfssl ocspserve, POST, /s", cfssl.map(rate));
  const ahead = { target: { atLeast: 40_000 }, baselines: compared };
  return [
    { name: "signed ahead, POST", unit: "/s", values: post.map(rate), ...ahead },
    { name: "signed ahead, POST, p50", unit: "ms", values: post.map(({ p50Ms }) => p50Ms) },
    {
      ...{ name: "signed ahead, POST, p99", unit: "ms", values: post.map(p99), target: { atMost: 5 } },
      baselines: baselineOf("cfssl ocspserve, POST, p99, ms", cfssl.map(p99)),
    },
    ...ratioTo(cfssl, post),
    { name: "signed ahead, GET", unit: "/s", values: get.map(rate), ...ahead },
    { name: "signed ahead, GET, p50", unit: "ms", values: get.map(({ p50Ms }) => p50Ms) },
    { name: "signed ahead, GET, p99", unit: "ms", values: get.map(p99), target: { atMost: 5 } },
    {
      ...{ name: "with a nonce", unit: "/s", values: nonce.map(rate), target: { atLeast: 7_000 } },
      baselines: [{ name: "bare token, session copy, /s", value: token }],
    },
    { name: "with a nonce, p50", unit: "ms", values: nonce.map(({ p50Ms }) => p50Ms) },
    { name: "with a nonce, p99", unit: "ms", values: nonce.map(p99) },
  ];
}

function ratioTo(cfssl: readonly WrkFigures[], post: readonly WrkFigures[]): Figure[] {
  if (cfssl.length === 0) return [];
  const values = post.map(({ perSecond }, i) => perSecond / (cfssl[i]?.perSecond ?? Number.NaN));
  return [{ name: "signed ahead, POST, against cfssl", unit: "ratio", values, target: { atLeast: 5 } }];
}

/** The median of what was measured in turns with the figure. */
function baselineOf(name: string, values: readonly number[]): Baseline[] {
  return values.length === 0 ? [] : [{ name, value: spreadOf(values).median }];
}

const rate = ({ perSecond }: WrkFigures): number => perSecond;
const p99 = ({ p99Ms }: WrkFigures): number => p99Ms;
