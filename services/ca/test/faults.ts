import type { StoreFaults } from "@vcc-pki/store";

/** Lets the n-th commit from now fail: "before" it is stored, or "after". */
export function failCommit(faults: StoreFaults, n: number, when: "before" | "after"): void {
  let commits = 0;
  const hook = when === "before" ? "beforeCommit" : "afterCommit";
  faults[hook] = () => {
    if (++commits !== n) return;
    delete faults[hook];
    throw new Error(`the disk failed ${when} commit ${n}`);
  };
}
