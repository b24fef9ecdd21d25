import type { SignatureAlgorithmId } from "@vcc-pki/x509";
import { privateKeyOf, signNow } from "./key-pair.ts";
import type { KeyRecord } from "./key-store.ts";
import { SIGNING, verifyInSoftware, WrongSignatureError } from "./mechanisms.ts";
import type { Payload } from "./payload.ts";
import { isLost } from "./pkcs11.ts";
import { isAuthority } from "./policy.ts";
import type { SigningThread } from "./signing-thread.ts";
import type { Connection, Token } from "./token.ts";

interface Job {
  readonly key: KeyRecord;
  readonly algorithm: SignatureAlgorithmId;
  readonly payload: Payload;
  readonly resolve: (signature: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** So few are signed at once on the event loop: handing them to the thread and back would take longer. */
const MAX_ON_LOOP = 8;

/** Signatures that come back from the thread together, at most: of more, ledger and callers have work on one part while the next is being
 *  signed. What comes back together is one commit, so fewer are not parted. */
const ASSIGNMENT = 32;

/** Assignments under way at once: the next is there when one is done. What is asked for meanwhile waits, and then goes together. */
const AT_ONCE = 2;

/** Signatures that take the token some 50 µs each. What is asked for within one turn of the event loop is either signed there and
 *  then, or, when it is more, by a thread of its own, as is what is asked for while that has enough to do. CA keys sign what others will rely on for years, and a signature that a fault
 *  spoilt could give the key away: theirs are verified in software before anyone sees them. */
export class FastSigning {
  readonly #token: Token;
  readonly #thread: SigningThread | undefined;
  #jobs: Job[] = [];
  #assigned = 0;

  constructor(token: Token, thread: SigningThread | undefined) {
    this.#token = token;
    this.#thread = thread;
  }

  /** Undefined when there is no connection, or it was lost over this: then the slow way has to find another. Rejects with a
   *  WrongSignatureError. */
  sign(key: KeyRecord, algorithm: SignatureAlgorithmId, payload: Payload): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ key, algorithm, payload, resolve, reject });
      if (this.#jobs.length === 1) process.nextTick(() => this.#work());
    });
  }

  #work(): void {
    if (this.#assigned >= AT_ONCE) return; // comes back when the thread does
    const jobs = this.#jobs;
    this.#jobs = [];
    const connection = this.#token.current;
    if (!connection) for (const { resolve } of jobs) resolve(undefined);
    else if (!this.#thread || jobs.length <= MAX_ON_LOOP) for (const job of jobs) this.#signNow(connection, job);
    else for (const same of groupByKey(jobs)) this.#assign(connection, this.#thread, same);
  }

  #signNow(connection: Connection, job: Job): void {
    const { key, algorithm, payload, resolve, reject } = job;
    try {
      const privateKey = privateKeyOf(connection, key.keyId, key.policy.copyable);
      const signature = signNow(connection, privateKey, algorithm, payload.octets, payload.sha256);
      const isProven = isAuthority(key.policy.purpose)
        ? verifyInSoftware(key.publicKey, algorithm, payload.octets, signature)
        : Promise.resolve(true);
      isProven.then((isRight) => (isRight ? resolve(signature) : reject(new WrongSignatureError())), reject);
    } catch (error) {
      this.#fail(connection, error, [job]);
    }
  }

  /** All of one key and algorithm. */
  #assign(connection: Connection, thread: SigningThread, jobs: readonly Job[]): void {
    const size = Math.ceil(jobs.length / Math.ceil(jobs.length / ASSIGNMENT));
    for (let start = 0; start < jobs.length; start += size) {
      const part = jobs.slice(start, start + size);
      const [first] = part;
      if (!first) return;
      this.#assigned++;
      connection.pool
        .use((session) => {
          const privateKey = privateKeyOf(connection, first.key.keyId, first.key.policy.copyable);
          if (isAuthority(first.key.policy.purpose)) {
            const data = part.map(({ payload }) => payload.octets);
            return thread.sign(session, privateKey, first.algorithm, data, first.key.spkiDer);
          }
          const { toInput } = SIGNING[first.algorithm];
          const inputs = part.map(({ payload }) => toInput(payload.octets, payload.sha256));
          return thread.sign(session, privateKey, first.algorithm, inputs);
        })
        .then(
          (outcomes) => this.#settle(connection, part, outcomes),
          (error) => this.#fail(connection, error, part),
        )
        .finally(() => {
          this.#assigned--;
          this.#work();
        });
    }
  }

  #settle(connection: Connection, jobs: readonly Job[], outcomes: readonly (Uint8Array | Error)[]): void {
    for (const [i, job] of jobs.entries()) {
      const outcome = outcomes[i];
      if (outcome instanceof Uint8Array) job.resolve(outcome);
      else this.#fail(connection, outcome, [job]);
    }
  }

  #fail(connection: Connection, error: unknown, jobs: readonly Pick<Job, "resolve" | "reject">[]): void {
    const lost = isLost(error);
    if (lost) this.#token.drop(connection, error);
    for (const { resolve, reject } of jobs) {
      if (lost) resolve(undefined);
      else reject(error);
    }
  }
}

function groupByKey(jobs: readonly Job[]): Job[][] {
  const groups = new Map<string, Job[]>();
  for (const job of jobs) {
    const name = `${job.key.keyId} ${job.algorithm}`;
    const group = groups.get(name);
    if (group) group.push(job);
    else groups.set(name, [job]);
  }
  return [...groups.values()];
}
