import { Worker } from "node:worker_threads";
import { isErrorCode, PkiError } from "@vcc-pki/errors";
import type { SignatureScheme } from "./algorithms.ts";

/** One signature to be verified. */
export interface Verification {
  readonly spkiDer: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
  /** Whether the key comes again and again, as an issuer's does, and is worth keeping. */
  readonly keepKey: boolean;
}

/** Octets only, end to end: what travels between threads is copied object by object. */
export interface Assignment {
  readonly octets: Uint8Array;
  /** For each verification the lengths of key, data and signature. */
  readonly lengths: Uint32Array;
  readonly schemes: readonly SignatureScheme[];
  readonly keepKey: readonly boolean[];
}

export interface Verdicts {
  /** 1 where the signature is right. */
  readonly right: Uint8Array;
  /** Why a verification could not be made, by its index: what `importPublicKey` threw. */
  readonly failures: readonly { readonly index: number; readonly code: string; readonly message: string }[];
}

interface Waiting {
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread without work for so long is ended; its memory is worth more than the start of another. */
const IDLE_MS = 15_000;

/** Assignments under way at once: the next is there when one is done. More would be smaller ones, and each costs as much to hand over. */
const AT_ONCE = 2;

/** Verifies many signatures one after the other on one thread. Handing each to a thread of libuv's pool by itself would cost the
 *  event loop, in wake-ups, nearly as much as verifying it. Started when it is first needed. */
export class VerificationThread {
  #worker: Worker | undefined;
  #assigned: (readonly Waiting[])[] = [];
  #idle: NodeJS.Timeout | undefined;
  #whenFree: (() => void) | undefined;

  /** Whether it has enough to do. */
  get isBusy(): boolean {
    return this.#assigned.length >= AT_ONCE;
  }

  /** Calls back, once, when it is no longer busy. */
  whenFree(callback: () => void): void {
    this.#whenFree = callback;
  }

  verify(batch: readonly (Verification & Waiting)[]): void {
    const worker = this.#start();
    this.#assigned.push(batch);
    const assignment = pack(batch);
    worker.postMessage(assignment, [assignment.octets.buffer as ArrayBuffer]);
  }

  #start(): Worker {
    clearTimeout(this.#idle);
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL("./verification-worker.ts", import.meta.url));
    worker.unref();
    worker.on("message", (verdicts: Verdicts) => this.#settle(verdicts));
    worker.on("error", (error) => this.#end(worker, error));
    worker.on("exit", () => this.#end(worker, new Error("the verification thread ended")));
    this.#worker = worker;
    return worker;
  }

  /** Answers come in the order of the assignments. */
  #settle({ right, failures }: Verdicts): void {
    const batch = this.#assigned.shift() ?? [];
    for (const { index, code, message } of failures) {
      batch[index]?.reject(new PkiError(isErrorCode(code) ? code : "INTERNAL", message));
    }
    for (const [index, { resolve }] of batch.entries()) resolve(right[index] === 1); // settled ones stay as they are
    if (this.#assigned.length === 0) this.#idle = setTimeout(() => void this.#worker?.terminate(), IDLE_MS).unref();
    this.#free();
  }

  #free(): void {
    const callback = this.#whenFree;
    this.#whenFree = undefined;
    callback?.();
  }

  #end(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined; // the next assignment starts another
    for (const { reject } of this.#assigned.splice(0).flat()) reject(error);
    this.#free();
  }
}

function pack(batch: readonly Verification[]): Assignment {
  const parts = batch.flatMap(({ spkiDer, data, signature }) => [spkiDer, data, signature]);
  const lengths = Uint32Array.from(parts, ({ length }) => length);
  const octets = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    octets.set(part, offset);
    offset += part.length;
  }
  return {
    ...{ octets, lengths },
    schemes: batch.map(({ scheme }) => scheme),
    keepKey: batch.map(({ keepKey }) => keepKey),
  };
}
