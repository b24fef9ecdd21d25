import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";

/** Throws RELOAD_FAILED when there is no such process, or it is not ours to signal. */
export function sendSignal({ name, pid, pidFile }: { name: NodeJS.Signals; pid?: number; pidFile?: string }): void {
  const number = pid ?? readPid(pidFile ?? "");
  try {
    process.kill(number, name);
  } catch (cause) {
    throw new PkiError("RELOAD_FAILED", `${name} did not reach process ${number}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function readPid(pidFile: string): number {
  let text: string;
  try {
    text = readFileSync(pidFile, "utf8");
  } catch (cause) {
    throw new PkiError("RELOAD_FAILED", `cannot read ${pidFile}`, { cause });
  }
  const [, digits] = /^\s*(\d{1,10})\s*$/m.exec(text.split("\n", 1)[0] ?? "") ?? [];
  // 0 and 1 would be everybody's process group and init.
  if (digits === undefined || Number(digits) < 2) {
    throw new PkiError("RELOAD_FAILED", `${pidFile} does not begin with the number of a process`);
  }
  return Number(digits);
}
