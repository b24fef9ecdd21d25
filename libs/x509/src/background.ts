import { signatureSchemeOf } from "./algorithms.ts";
import { importCached, importPublicKey, type Signed, verifyOnPool } from "./signature.ts";
import { type Verification, VerificationThread } from "./verification-thread.ts";

interface Job extends Verification {
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** So few are handed to libuv's pool one by one: they are done sooner, and nobody waits for the start of a thread. */
const MAX_ON_POOL = 3;

const thread = new VerificationThread();
let jobs: Job[] = [];

/** Verifies a signature on another thread: a P-384 one would hold up the event loop for most of a millisecond. What is asked for
 *  within one turn of the loop, or while the thread has enough to do, goes there together. Rejects where `importPublicKey` throws. */
export function verifyInBackground(verification: Verification): Promise<boolean> {
  return new Promise((resolve, reject) => {
    jobs.push({ ...verification, resolve, reject });
    if (jobs.length === 1) setImmediate(start);
  });
}

function start(): void {
  if (thread.isBusy) {
    thread.whenFree(start);
    return;
  }
  const batch = jobs;
  jobs = [];
  if (batch.length > MAX_ON_POOL) thread.verify(batch);
  else for (const job of batch) verifyAlone(job);
}

function verifyAlone({ spkiDer, scheme, data, signature, keepKey, resolve, reject }: Job): void {
  try {
    const key = keepKey ? importCached(spkiDer) : importPublicKey(spkiDer);
    verifyOnPool(key, scheme, data, signature).then(resolve, reject);
  } catch (error) {
    reject(error);
  }
}

/** `isSignedBy` on another thread. Rejects where that throws. */
export async function isSignedByInBackground(signed: Signed, spkiDer: Uint8Array): Promise<boolean> {
  const { tbsDer: data, signature, signatureAlgorithmDer } = signed;
  return verifyInBackground({
    spkiDer,
    data,
    signature,
    scheme: signatureSchemeOf(signatureAlgorithmDer),
    keepKey: true,
  });
}
