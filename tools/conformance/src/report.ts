import type { Examination, Finding } from "./examine.ts";

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One line for a judge and a class; below it, what failed, what the judge said and where the object is kept. */
export function renderExamination({
  judge,
  version,
  specimenClass,
  passed,
  failures,
  skipped,
  letThrough,
}: Examination): string {
  const mark = failures.length > 0 ? "FAIL" : passed > 0 ? "ok  " : "skip";
  const counts = [
    `${passed} passed`,
    failures.length > 0 && `${failures.length} FAILED`,
    skipped.length > 0 && `${skipped.length} skipped (${reasons(skipped)})`,
    letThrough.length > 0 && `${letThrough.length} let through by ${judge}`,
  ];
  const line = `${mark}  ${`${judge} ${version}`.padEnd(16)} ${specimenClass.padEnd(24)} ${counts.filter(Boolean).join(", ")}`;
  const details = failures.flatMap(({ label, said, file }) => [
    `        ${label}`,
    ...said.split("\n").map((text) => `          ${text}`),
    `          kept: ${file}`,
  ]);
  return [line, ...details].join("\n");
}

/** "gnutls does not know ec-brainpoolp256r1: 4" */
const reasons = (skipped: readonly Finding[]): string =>
  [...Map.groupBy(skipped, ({ said }) => said)].map(([reason, { length }]) => `${reason}: ${length}`).join("; ");

export function totalsOf(examinations: readonly Examination[]): Totals {
  const sum = (count: (examination: Examination) => number) =>
    examinations.reduce((total, examination) => total + count(examination), 0);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failures }) => failures.length),
    skipped: sum(({ skipped }) => skipped.length),
  };
}

export const renderTotals = ({ passed, failed, skipped }: Totals): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
