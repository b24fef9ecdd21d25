import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Clock } from "@vcc-pki/time";

/** Milliseconds of `openssl dgst -sha256` over files, in so many processes at a time with as many files each: what reading and hashing alone cost on
 *  so many cores. */
export async function opensslSha256Ms(files: readonly string[], processes: number, clock: Clock): Promise<number> {
  const each = Math.ceil(files.length / processes);
  const startedAt = clock.monotonicMs();
  const ended = Array.from({ length: processes }, (_, i) => hashFiles(files.slice(i * each, (i + 1) * each)));
  await Promise.all(ended);
  return clock.monotonicMs() - startedAt;
}

async function hashFiles(files: readonly string[]): Promise<void> {
  const child = spawn("openssl", ["dgst", "-sha256", ...files], { stdio: "ignore" });
  const [exitCode] = await once(child, "exit");
  if (exitCode !== 0) throw new Error(`openssl dgst ended with ${exitCode}`);
}
