import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@vcc-pki/time";
import type { AuthorityCandidate } from "./authorities/authority.ts";
import { bouncycastleAuthority } from "./authorities/bouncycastle.ts";
import { opensslAuthority } from "./authorities/openssl.ts";
import { sigstoreAuthority } from "./authorities/sigstore.ts";
import { type Examination, examine, findUnrefused, type SpecimenClass } from "./examine.ts";
import type { Candidate, Judge } from "./judge.ts";
import { bouncycastle } from "./judges/bouncycastle.ts";
import { gnutls } from "./judges/gnutls.ts";
import { go } from "./judges/go.ts";
import { java } from "./judges/java.ts";
import { modelSigning } from "./judges/model-signing.ts";
import { openssl } from "./judges/openssl.ts";
import { osslsigncode } from "./judges/osslsigncode.ts";
import { pkilint } from "./judges/pkilint.ts";
import { pypiAttestations } from "./judges/pypi-attestations.ts";
import { rfc3161Client } from "./judges/rfc3161-client.ts";
import { securesystemslib } from "./judges/securesystemslib.ts";
import { sha256sum } from "./judges/sha256sum.ts";
import { sigstore } from "./judges/sigstore.ts";
import { zlint } from "./judges/zlint.ts";
import { ourJudge } from "./ours.ts";
import { renderExamination, renderTotals, type Totals, totalsOf } from "./report.ts";
import { openSpecimenFiles } from "./specimen-files.ts";
import { foreignModels } from "./subjects/foreign-models.ts";
import { buildForeignTimeStamps } from "./subjects/foreign-time-stamps.ts";
import { issueSpecimens } from "./subjects/index.ts";
import { stampedPrograms } from "./subjects/stamped-programs.ts";

export const CANDIDATES: readonly Candidate[] = [
  openssl,
  gnutls,
  zlint,
  pkilint,
  go,
  java,
  rfc3161Client,
  bouncycastle,
  sigstore,
  osslsigncode,
  sha256sum,
  modelSigning,
  securesystemslib,
  pypiAttestations,
];

const AUTHORITIES: readonly AuthorityCandidate[] = [opensslAuthority, bouncycastleAuthority, sigstoreAuthority];

const OBJECTS = "objects-";

export interface ConformanceOptions {
  /** Names of judges; absent: all. */
  readonly only?: readonly string[];
  readonly json: boolean;
}

/** Installs the judges, issues the specimens, shows one to the other and prints what they say. True if nothing failed. */
export async function runConformance({ only, json }: ConformanceOptions): Promise<boolean> {
  const say = (line: string) => (json ? console.error(line) : console.log(line));
  const candidates = CANDIDATES.filter(({ name }) => only === undefined || only.includes(name));

  const cacheDirectory = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vcc-pki", "conformance");
  const objectsDirectory = await makeObjectsDirectory(cacheDirectory);

  const { judges, classes, missing } = await gather(candidates, cacheDirectory, objectsDirectory);
  for (const { name, reason } of missing) say(`skip  ${name}: ${reason}`);

  // 1. Every judge sees every class; our own verifier is the first of them.
  const ours = ourJudge(systemClock);
  const examiner = { ours, parallel: availableParallelism(), progress };
  const examinations: Examination[] = [];
  const unrefused: string[] = [];
  for (const specimenClass of classes) {
    const byOthers: Examination[] = [];
    for (const judge of [ours, ...judges]) {
      const examination = await examine(judge, specimenClass, examiner);
      if (examination === undefined) continue;
      say(renderExamination(examination));
      examinations.push(examination);
      if (judge !== ours) byOthers.push(examination);
    }
    if (judges.length === CANDIDATES.length) unrefused.push(...findUnrefused(specimenClass, byOthers));
  }
  for (const judge of judges) judge.close?.();
  for (const label of unrefused) say(`FAIL  no judge refuses "${label}": it proves nothing`);

  // 2. The closing line counts specimens shown to judges; a judge that is not here counts once.
  const seen = totalsOf(examinations);
  const totals: Totals = {
    passed: seen.passed,
    failed: seen.failed + unrefused.length,
    skipped: seen.skipped + missing.length,
  };
  if (totals.failed === 0) await rm(objectsDirectory, { recursive: true });
  if (json) console.log(JSON.stringify({ totals, missing, examinations, unrefused }, null, 2));
  say(renderTotals(totals));
  return totals.failed === 0;
}

interface Gathered {
  readonly judges: readonly Judge[];
  readonly classes: readonly SpecimenClass[];
  readonly missing: readonly Missing[];
}

/** Judges, foreign authorities and what the suite issues come at the same time: the ones wait for the network, the other for the token. */
async function gather(
  candidates: readonly Candidate[],
  cacheDirectory: string,
  objectsDirectory: string,
): Promise<Gathered> {
  const [judging, stamping, signing, own] = await Promise.all([
    settleAll(candidates, (candidate) => candidate.install(cacheDirectory)),
    settleAll(AUTHORITIES, (authority) => authority.start(cacheDirectory)),
    settleAll([stampedPrograms, foreignModels], (programs) => programs.install(cacheDirectory)),
    issueSpecimens(objectsDirectory, progress),
  ]);
  const classes = [...own];
  const files = openSpecimenFiles(objectsDirectory);
  try {
    classes.push(...(await buildForeignTimeStamps(stamping.there, files)));
  } finally {
    for (const authority of stamping.there) await authority.close?.();
  }
  for (const build of signing.there) classes.push(...(await build(objectsDirectory, files)));
  const ofStamping = stamping.missing.map(({ name, reason }) => ({ name: `time stamps by ${name}`, reason }));
  return { judges: judging.there, classes, missing: [...judging.missing, ...ofStamping, ...signing.missing] };
}

const KEPT_MS = 24 * 3_600_000;

/** A directory for this run's objects. Those that failed runs left behind a day ago or earlier are removed. */
async function makeObjectsDirectory(cacheDirectory: string): Promise<string> {
  await mkdir(cacheDirectory, { recursive: true });
  const oldest = systemClock.now().getTime() - KEPT_MS;
  for (const name of await readdir(cacheDirectory)) {
    const directory = join(cacheDirectory, name);
    const isOld = name.startsWith(OBJECTS) && (await stat(directory)).mtimeMs < oldest;
    if (isOld) await rm(directory, { recursive: true, force: true });
  }
  return mkdtemp(join(cacheDirectory, OBJECTS));
}

interface Missing {
  readonly name: string;
  readonly reason: string;
}

/** Gets what can be had here, and says by name what cannot and why. */
async function settleAll<C extends { readonly name: string }, T>(
  candidates: readonly C[],
  get: (candidate: C) => Promise<T>,
): Promise<{ readonly there: readonly T[]; readonly missing: readonly Missing[] }> {
  const there: T[] = [];
  const missing: Missing[] = [];
  const outcomes = await Promise.allSettled(candidates.map(get));
  outcomes.forEach((outcome, index) => {
    const name = candidates[index]?.name ?? "";
    if (outcome.status === "fulfilled") there.push(outcome.value);
    else
      missing.push({ name, reason: outcome.reason instanceof Error ? outcome.reason.message : String(outcome.reason) });
  });
  return { there, missing };
}

/** One line on a terminal that overwrites itself; nothing elsewhere. */
function progress(message: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${message}\r`);
}
