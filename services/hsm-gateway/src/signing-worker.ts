import { parentPort, workerData } from "node:worker_threads";
import pkcs11js from "pkcs11js";
import type { SignBatch, SignedBatch } from "./signing-thread.ts";

/** The other side of `SigningThread`: signs what it is sent, in order, with sessions and handles that the main thread opened. The
 *  library is the same instance for the whole process, initialised and logged in by the main thread. */
const pkcs11 = new pkcs11js.PKCS11();
pkcs11.load(workerData as string);

/** RSA-4096. */
const output = Buffer.alloc(512);

parentPort?.on("message", (batch: SignBatch) => parentPort?.postMessage(signAll(batch)));

function signAll({ session, keys, inputs, mechanism }: SignBatch): SignedBatch {
  const handle = Buffer.from(session);
  const signatures: SignedBatch["signatures"] = [];
  for (const [i, input] of inputs.entries()) {
    try {
      pkcs11.C_SignInit(handle, { mechanism }, Buffer.from(keys[i] as Uint8Array));
      signatures.push(new Uint8Array(pkcs11.C_Sign(handle, Buffer.from(input), output)));
    } catch (error) {
      const { message, code } = error as Error & { code?: number };
      signatures.push({ message, code });
    }
  }
  return { signatures };
}
