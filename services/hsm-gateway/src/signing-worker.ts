import { parentPort, workerData } from "node:worker_threads";
import pkcs11js from "pkcs11js";
import type { Assignment, Result } from "./signing-thread.ts";

// The other side of SigningThread. The PKCS#11 library is one for the whole process, initialised and logged in by the main thread, which
// also opened the session that it lends with each assignment.

const pkcs11 = new pkcs11js.PKCS11();
pkcs11.load(workerData as string);

const MAX_SIGNATURE_OCTETS = 512; // RSA-4096

parentPort?.on("message", (assignment: Assignment) => parentPort?.postMessage(work(assignment)));

function work({ session, privateKey, mechanism, inputs, lengths }: Assignment): Result {
  const [sessionHandle, keyHandle, data] = [toBuffer(session), toBuffer(privateKey), toBuffer(inputs)];
  const signatures = Buffer.allocUnsafe(lengths.length * MAX_SIGNATURE_OCTETS);
  const signedLengths: number[] = [];
  let [start, end] = [0, 0];
  const result = (failure?: Result["failure"]): Result => ({
    ...{ signatures: new Uint8Array(signatures.subarray(0, end)), lengths: signedLengths, failure },
  });
  for (const length of lengths) {
    try {
      pkcs11.C_SignInit(sessionHandle, { mechanism }, keyHandle);
      const signature = pkcs11.C_Sign(sessionHandle, data.subarray(start, start + length), signatures.subarray(end));
      start += length;
      end += signature.length;
      signedLengths.push(signature.length);
    } catch (error) {
      const { message, code } = error as Error & { code?: unknown };
      return result({ message, code });
    }
  }
  return result();
}

function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
