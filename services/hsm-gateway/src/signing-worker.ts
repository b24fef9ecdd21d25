import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import pkcs11js from "pkcs11js";
import type { Assignment, Proof, Result } from "./signing-thread.ts";

// The other side of SigningThread. The PKCS#11 library is one for the whole process, initialised and logged in by the main thread, which
// also opened the session that it lends with each assignment.

const pkcs11 = new pkcs11js.PKCS11();
pkcs11.load(workerData as string);

const MAX_SIGNATURE_OCTETS = 512; // RSA-4096

parentPort?.on("message", (assignment: Assignment) => parentPort?.postMessage(work(assignment)));

function work({ session, privateKey, mechanism, inputs, lengths, proof }: Assignment): Result {
  const [sessionHandle, keyHandle, data] = [toBuffer(session), toBuffer(privateKey), toBuffer(inputs)];
  const signatures = Buffer.allocUnsafe(lengths.length * MAX_SIGNATURE_OCTETS);
  const signedLengths: number[] = [];
  const wrong: number[] = [];
  let [start, end] = [0, 0];
  const result = (failure?: Result["failure"]): Result => ({
    ...{ signatures: new Uint8Array(signatures.subarray(0, end)), lengths: signedLengths, wrong, failure },
  });
  for (const length of lengths) {
    try {
      const input = data.subarray(start, start + length);
      pkcs11.C_SignInit(sessionHandle, { mechanism }, keyHandle);
      const signature = pkcs11.C_Sign(
        sessionHandle,
        proof ? toTokenInput(proof, input) : input,
        signatures.subarray(end),
      );
      if (proof && !isBy(proof, input, signature)) wrong.push(signedLengths.length);
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

const toTokenInput = ({ hashName }: Proof, data: Buffer): Buffer =>
  hashName === undefined ? data : hash(hashName, data, "buffer");

/** The token answers r || s, which IEEE P1363 calls the same. */
function isBy({ hashName, spkiDer }: Proof, data: Buffer, signature: Buffer): boolean {
  const key = importKey(spkiDer);
  return verify(hashName ?? null, data, hashName === undefined ? key : { key, dsaEncoding: "ieee-p1363" }, signature);
}

const MAX_KEYS = 64;
const keys = new Map<string, KeyObject>();

function importKey(spkiDer: Uint8Array): KeyObject {
  const name = toBuffer(spkiDer).toString("latin1");
  let key = keys.get(name);
  if (key === undefined) {
    if (keys.size >= MAX_KEYS) keys.clear();
    key = createPublicKey({ key: toBuffer(spkiDer), format: "der", type: "spki" });
    keys.set(name, key);
  }
  return key;
}

function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
