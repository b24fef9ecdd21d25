import { ask, type Judge, type Verdict } from "./judge.ts";
import type { Specimen } from "./specimen.ts";

/** Specimens of one class. `sound`: every judge must accept each. Otherwise we must refuse each, and a judge's refusal is the
 *  evidence that it is right to. */
export interface SpecimenClass {
  readonly name: string;
  readonly sound: boolean;
  readonly specimens: readonly Specimen[];
  /** Of corrupted specimens: why a judge accepts one, by judge and label. Where this is given, a judge must refuse all others. */
  readonly overlooked?: (judge: string, label: string) => string | undefined;
}

export interface Finding {
  readonly label: string;
  readonly said: string;
  /** The object's DER, kept for whoever looks into it. */
  readonly file: string;
}

/** What one judge made of one class. */
export interface Examination {
  readonly judge: string;
  readonly version: string;
  readonly specimenClass: string;
  readonly passed: number;
  readonly failures: readonly Finding[];
  /** Specimens the judge cannot judge, with the reason. */
  readonly skipped: readonly Finding[];
  /** Corrupted specimens the judge does not mind: no evidence about us, and not counted. */
  readonly letThrough: readonly string[];
}

export interface Examiner {
  /** Our own parser and verifier. */
  readonly ours: Judge;
  /** At most this many tools at a time. */
  readonly parallel: number;
  progress(message: string): void;
}

/** Shows every specimen of the class to `judge`; undefined when it has no opinion on any of them. */
export async function examine(
  judge: Judge,
  specimenClass: SpecimenClass,
  { ours, parallel, progress }: Examiner,
): Promise<Examination | undefined> {
  const { name, sound, specimens } = specimenClass;
  const failures: Finding[] = [];
  const skipped: Finding[] = [];
  const letThrough: string[] = [];
  let passed = 0;
  let asked = 0;

  await inParallel(parallel, specimens, async (specimen) => {
    const finding = (said: string) => ({ label: specimen.label, said, file: specimen.object.derFile });
    const verdict = await ask(judge, specimen).catch((error: Error) => error);
    if (verdict === undefined) return;
    progress(`${judge.name}: ${name} ${++asked}/${specimens.length}`);
    if (verdict instanceof Error) return void failures.push(finding(`could not be asked: ${verdict.message}`));
    if (verdict.verdict === "passes") skipped.push(finding(verdict.reason));
    else if (sound) verdict.verdict === "accepts" ? passed++ : failures.push(finding(verdict.said));
    else if (judge === ours) verdict.verdict === "refuses" ? passed++ : failures.push(finding("we accept it"));
    else {
      const fault = findFault(judge.name, specimenClass, specimen, verdict, await ask(ours, specimen));
      if (fault !== undefined) failures.push(finding(fault));
      else verdict.verdict === "accepts" ? letThrough.push(specimen.label) : passed++;
    }
  });
  return asked === 0
    ? undefined
    : { judge: judge.name, version: judge.version, specimenClass: name, passed, failures, skipped, letThrough };
}

/** What is wrong with how a foreign judge sees a corrupted specimen. */
function findFault(
  judge: string,
  { overlooked }: SpecimenClass,
  { label }: Specimen,
  verdict: Verdict,
  ours: Verdict | undefined,
): string | undefined {
  const reason = overlooked?.(judge, label);
  if (verdict.verdict === "accepts")
    return overlooked && reason === undefined ? `${judge} accepts it, and nobody has said why` : undefined;
  const said = verdict.verdict === "refuses" ? verdict.said : "";
  if (reason !== undefined) return `${judge} refuses what it is said to overlook (${reason}): ${said}`;
  return isRefused(ours) ? undefined : `we accept what ${judge} refuses: ${said}`;
}

/** Corrupted specimens that nobody refused: they prove nothing, and the judges, the variant or the build of it is broken. */
export function findUnrefused(
  { sound, specimens, overlooked }: SpecimenClass,
  examinations: readonly Examination[],
): string[] {
  // Where it is on record what each judge overlooks, that is the evidence.
  if (sound || overlooked !== undefined) return [];
  const isEvidence = ({ label }: Specimen, { letThrough, skipped }: Examination) =>
    !letThrough.includes(label) && !skipped.some((entry) => entry.label === label);
  return specimens
    .filter((specimen) => !examinations.some((examination) => isEvidence(specimen, examination)))
    .map(({ label }) => label);
}

const isRefused = (verdict: Verdict | undefined): boolean => verdict?.verdict === "refuses";

async function inParallel<T>(workers: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
