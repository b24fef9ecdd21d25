import { readFileSync } from "node:fs";
import type { Specimen } from "./specimen.ts";

/** A finding we live with. Each has a reason that a reader can check. */
export interface AllowedFinding {
  readonly judge: string;
  readonly finding: string;
  /** Regular expression over the specimen's label; absent: every specimen of the kind. */
  readonly label?: string;
  readonly kind: Specimen["kind"];
  /** Regular expression over what the judge said of it; absent: whatever it said. */
  readonly says?: string;
  readonly reason: string;
}

export const ALLOWED: readonly AllowedFinding[] = JSON.parse(
  readFileSync(new URL("../allowed-findings.json", import.meta.url), "utf8"),
);

/** Answers, for the findings of one judge on one specimen, whether we have said why we live with it. */
export function allowedFindings(
  judge: string,
  { kind, label }: Pick<Specimen, "kind" | "label">,
  allowed: readonly AllowedFinding[] = ALLOWED,
): (finding: string, says: string) => boolean {
  const here = allowed.filter(
    (entry) => entry.judge === judge && entry.kind === kind && new RegExp(entry.label ?? "").test(label),
  );
  return (finding, says) => here.some((entry) => entry.finding === finding && new RegExp(entry.says ?? "").test(says));
}
