import { Worker } from "node:worker_threads";
import type { SignatureAlgorithmId } from "@vcc-pki/x509";
import { SIGNING } from "./mechanisms.ts";
import type { Handle } from "./pkcs11.ts";

/** Inputs to be signed with one key and mechanism, one after the other. Octets only: what travels between threads is copied. */
export interface Assignment {
  readonly session: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly mechanism: number;
  /** All inputs, end to end. */
  readonly inputs: Uint8Array;
  readonly lengths: readonly number[];
}

/** The signatures up to the first failure. */
export interface Result {
  readonly signatures: Uint8Array;
  readonly lengths: readonly number[];
  /** What pkcs11js threw: name and number of the CKR. */
  readonly failure?: { readonly message: string; readonly code: unknown };
}

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread that signs, so that the event loop meanwhile writes the ledger and talks to callers. Started when it is first needed. */
export class SigningThread {
  readonly #module: string;
  #worker: Worker | undefined;
  #waiting: Waiting[] = [];

  /** `module` is the path of the PKCS#11 library that this process has initialised. */
  constructor(module: string) {
    this.#module = module;
  }

  /** Signs each input; `session` must be lent to this call alone until it resolves. An outcome is the signature as X.509 carries it, or
   *  the error as pkcs11js would have thrown it; after an error, the rest of the inputs share it. */
  async sign(
    session: Handle,
    privateKey: Handle,
    algorithm: SignatureAlgorithmId,
    inputs: readonly Buffer[],
  ): Promise<(Uint8Array | Error)[]> {
    const { mechanism, toSignature } = SIGNING[algorithm];
    const { signatures, lengths, failure } = await this.#assign({
      ...{ session: new Uint8Array(session), privateKey: new Uint8Array(privateKey), mechanism: mechanism.mechanism },
      ...{ inputs: new Uint8Array(Buffer.concat(inputs)), lengths: inputs.map(({ length }) => length) },
    });
    let offset = 0;
    const outcomes: (Uint8Array | Error)[] = lengths.map((length) => {
      offset += length;
      return toSignature(signatures.subarray(offset - length, offset));
    });
    const error = Object.assign(new Error(failure?.message), { code: failure?.code });
    while (outcomes.length < inputs.length) outcomes.push(error);
    return outcomes;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** Answers come in the order of the assignments. */
  #assign(assignment: Assignment): Promise<Result> {
    return new Promise((resolve, reject) => {
      const worker = this.#start();
      this.#waiting.push({ resolve, reject });
      worker.postMessage(assignment);
    });
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
