import { parentPort } from "node:worker_threads";
import { PkiError } from "@vcc-pki/errors";
import { importCached, importPublicKey, verifyWithKey } from "./signature.ts";
import type { Assignment, Verdicts } from "./verification-thread.ts";

// The other side of VerificationThread.
parentPort?.on("message", (assignment: Assignment) => parentPort?.postMessage(work(assignment)));

function work({ octets, lengths, schemes, keepKey }: Assignment): Verdicts {
  const right = new Uint8Array(schemes.length);
  const failures: { index: number; code: string; message: string }[] = [];
  let offset = 0;
  const take = (length = 0): Uint8Array => {
    offset += length;
    return octets.subarray(offset - length, offset);
  };
  for (const [index, scheme] of schemes.entries()) {
    const spkiDer = take(lengths[3 * index]);
    const data = take(lengths[3 * index + 1]);
    const signature = take(lengths[3 * index + 2]);
    try {
      const key = keepKey[index] ? importCached(spkiDer) : importPublicKey(spkiDer);
      right[index] = verifyWithKey(key, scheme, data, signature) ? 1 : 0;
    } catch (error) {
      const { message } = error as Error;
      failures.push({ index, message, code: error instanceof PkiError ? error.code : "INTERNAL" });
    }
  }
  return { right, failures };
}
