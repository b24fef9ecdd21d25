import type { DiscoveryHarness } from "./harness.ts";

/** Rows of a table of the service, whatever is not committed yet included. */
export type Counted = `${"enrolments" | "enrolment_tokens" | "notices"}${"" | ` WHERE ${string}`}`;

export const countOf = ({ store }: DiscoveryHarness, what: Counted): number =>
  store.db.prepare<[], number>(`SELECT count(*) FROM ${what}`).pluck().get() ?? 0;

/** Makes the commit fail, stored or not, that brings one more of these: others, such as those of the ca's events, go on meanwhile. Once. */
export function failCommitOf(harness: DiscoveryHarness, kind: "beforeCommit" | "afterCommit", what: Counted): void {
  const before = countOf(harness, what);
  let isDone = false;
  harness.storeFaults[kind] = () => {
    if (isDone || countOf(harness, what) === before) return;
    isDone = true;
    throw new Error("the process dies here");
  };
}
