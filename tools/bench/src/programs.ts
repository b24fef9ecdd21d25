import { execFileSync } from "node:child_process";

/** Programs that benches call, and the Debian packages that have them. */
export const PACKAGES = { wrk: "wrk", cfssl: "golang-cfssl" } as const;

export type Program = keyof typeof PACKAGES;

/** Those of the programs that this machine does not have. */
export const missingPrograms = (programs: readonly Program[]): Program[] => programs.filter((program) => !has(program));

function has(program: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$0"', program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
