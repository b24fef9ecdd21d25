import { Worker } from "node:worker_threads";
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmId } from "@vcc-pki/x509";
import { SIGNING, WrongSignatureError } from "./mechanisms.ts";
import type { Handle } from "./pkcs11.ts";

/** Inputs to be signed with one key and mechanism, one after the other. Octets only: what travels between threads is copied. */
export interface Assignment {
  readonly session: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly mechanism: number;
  /** All inputs, end to end: what the token is given, or with `proof` the data to be hashed and signed. */
  readonly inputs: Uint8Array;
  readonly lengths: readonly number[];
  readonly proof: Proof | undefined;
}

/** How each signature is verified after it is made. */
export interface Proof {
  readonly spkiDer: Uint8Array;
  /** undefined for Ed25519. */
  readonly hashName: string | undefined;
}

/** The signatures up to the first failure. */
export interface Result {
  readonly signatures: Uint8Array;
  readonly lengths: readonly number[];
  /** Indices of those that do not verify. */
  readonly wrong: readonly number[];
  /** What pkcs11js threw: name and number of the CKR. */
  readonly failure?: { readonly message: string; readonly code: unknown };
}

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** How long the thread waits for more before it ends: it takes some 10 MB, and a new one starts in a tenth of a second. */
const IDLE_MS = 3_000;

/** A thread that signs, so that the event loop meanwhile writes the ledger and talks to callers. Started when it is needed. */
export class SigningThread {
  readonly #module: string;
  readonly #idleMs: number;
  #idle: NodeJS.Timeout | undefined;
  #worker: Worker | undefined;
  #waiting: Waiting[] = [];

  /** `module` is the path of the PKCS#11 library that this process has initialised. */
  constructor(module: string, { idleMs = IDLE_MS }: { readonly idleMs?: number } = {}) {
    this.#module = module;
    this.#idleMs = idleMs;
  }

  /** Whether the thread is there. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Signs each of `data`, already hashed as the token wants it unless `verifyWith` is the public key: then whole, and each signature
   *  is verified before it comes back. `session` must be lent to this call alone until it resolves. An outcome is the signature as X.509
   *  carries it, or the error as pkcs11js would have thrown it; after such an error, the rest share it. A signature that does not verify
   *  is a WrongSignatureError, its own only. */
  async sign(
    session: Handle,
    privateKey: Handle,
    algorithm: SignatureAlgorithmId,
    data: readonly Uint8Array[],
    verifyWith?: Uint8Array,
  ): Promise<(Uint8Array | Error)[]> {
    const { mechanism, toSignature } = SIGNING[algorithm];
    const { hash: hashName } = SIGNATURE_ALGORITHMS[algorithm];
    const { signatures, lengths, wrong, failure } = await this.#assign({
      ...{ session: new Uint8Array(session), privateKey: new Uint8Array(privateKey), mechanism: mechanism.mechanism },
      ...{ inputs: new Uint8Array(Buffer.concat(data)), lengths: data.map(({ length }) => length) },
      proof: verifyWith && { spkiDer: verifyWith, hashName: hashName ?? undefined },
    });
    let offset = 0;
    const outcomes: (Uint8Array | Error)[] = lengths.map((length) => {
      offset += length;
      return toSignature(signatures.subarray(offset - length, offset));
    });
    for (const index of wrong) outcomes[index] = new WrongSignatureError();
    const error = Object.assign(new Error(failure?.message), { code: failure?.code });
    while (outcomes.length < data.length) outcomes.push(error);
    return outcomes;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  /** Answers come in the order of the assignments. */
  #assign(assignment: Assignment): Promise<Result> {
    clearTimeout(this.#idle);
    return new Promise<Result>((resolve, reject) => {
      const worker = this.#start();
      this.#waiting.push({ resolve, reject });
      worker.postMessage(assignment);
    }).finally(() => {
      if (this.#waiting.length === 0) this.#endWhenIdle();
    });
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, this.#idleMs).unref();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./signing-worker.ts", import.meta.url), { workerData: this.#module });
    worker.unref();
    worker.on("message", (result: Result) => this.#waiting.shift()?.resolve(result));
    worker.on("error", (error) => this.#end(worker, error));
    worker.on("exit", () => this.#end(worker, new Error("the signing thread ended")));
    this.#worker = worker;
    return worker;
  }

  #end(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined; // the next assignment starts another
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
