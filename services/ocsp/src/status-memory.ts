import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "@vcc-pki/time";
import type { CertIdHash } from "@vcc-pki/x509";
import { AnswerMemory, DUE } from "./answer-memory.ts";
import { CertificateMemory } from "./certificate-memory.ts";
import {
  type CertificateName,
  HASHES,
  type Revocation,
  type SignedAnswer,
  type Status,
  type StoredCertificate,
  toSeconds,
} from "./status.ts";
import type { AnswerTable } from "./store/answers.ts";
import type { CertificateTable } from "./store/certificates.ts";

/** Rows read at once: some milliseconds. */
const LOADED_AT_ONCE = 2_000;

export interface StatusMemoryOptions {
  readonly certificates: CertificateTable;
  readonly answers: AnswerTable;
  /** Hashes whose answers are signed ahead. */
  readonly hashes: readonly CertIdHash[];
  readonly clock: Clock;
}

/** Certificates that have not expired, with the answers signed ahead, as they are in the database. What is not here yet when
 *  somebody asks is read there. */
export class StatusMemory {
  readonly certificates = new CertificateMemory();
  readonly #options: StatusMemoryOptions;
  readonly #answers = new Map<CertIdHash, AnswerMemory>();
  #isClosed = false;

  constructor(options: StatusMemoryOptions) {
    this.#options = options;
    for (const hash of HASHES) if (options.hashes.includes(hash)) this.#answers.set(hash, new AnswerMemory());
  }

  /** undefined: answers for this hash are not signed ahead. */
  answersFor(hash: CertIdHash): AnswerMemory | undefined {
    return this.#answers.get(hash);
  }

  /** By hash. */
  allAnswers(): IterableIterator<[CertIdHash, AnswerMemory]> {
    return this.#answers.entries();
  }

  /** Its slot; -1 when it has expired or was never issued. */
  find(issuer: number, serial: Uint8Array): number {
    const slot = this.certificates.find(issuer, serial);
    if (slot !== -1) return slot;
    // Not loaded yet, or dropped by a clock that went ahead for a while.
    const stored = this.#options.certificates.find({ issuer, serial });
    return stored === undefined ? -1 : this.#takeIn(stored);
  }

  /** What is true about a certificate from now on. Answers that say something else are gone when this returns. `row` 0: not stored
   *  yet. Returns the slot; -1 for what has expired. */
  apply(name: CertificateName, status: Status, row: number): number {
    let slot = this.certificates.find(name.issuer, name.serial);
    if (slot === -1) {
      if (status.notAfterMs < this.#options.clock.now().getTime()) return -1;
      slot = this.certificates.put(name, status, row);
      this.#clear(slot);
      return slot;
    }
    const before = this.certificates.statusOf(slot);
    this.certificates.put(name, status, row);
    if (!isSameRevocation(before.revocation, status.revocation)) this.#clear(slot);
    return slot;
  }

  /** Forgets a certificate altogether. */
  forget({ issuer, serial }: CertificateName): void {
    const slot = this.certificates.find(issuer, serial);
    if (slot !== -1) this.#drop(slot);
  }

  /** Takes an answer in; it is to be signed anew at `dueAt` seconds. */
  putAnswer(slot: number, hash: CertIdHash, answer: SignedAnswer, dueAt: number): void {
    this.#answers.get(hash)?.put(slot, answer, dueAt);
    this.certificates.bumpVersion(slot);
  }

  /** Reads everything from the database, in portions, between which others have their turn. */
  async load(): Promise<void> {
    const { certificates, answers } = this.#options;
    for (let last = 0; !this.#isClosed; await nextTurn()) {
      const rows = certificates.listAfter(last, LOADED_AT_ONCE);
      const end = rows.at(-1)?.certificate;
      if (end === undefined) return;
      const signed = Map.groupBy(answers.listBetween(last, end), ({ certificate }) => certificate);
      for (const row of rows) {
        if (this.certificates.find(row.issuer, row.serial) === -1) this.#takeIn(row, signed.get(row.certificate) ?? []);
      }
      last = end;
    }
  }

  /** Ends a load that is under way. */
  close(): void {
    this.#isClosed = true;
  }

  /** Drops what has expired, which is looked up in the database if anybody still asks. */
  dropExpired(): void {
    const now = toSeconds(this.#options.clock.now().getTime());
    const { certificates } = this;
    for (let slot = 0; slot < certificates.slots; slot++) {
      if (certificates.isInUse(slot) && certificates.notAfter(slot) < now) this.#drop(slot);
    }
  }

  #takeIn(stored: StoredCertificate, answers = this.#options.answers.listOf(stored.certificate)): number {
    const slot = this.apply(stored, stored, stored.certificate);
    if (slot === -1) return -1;
    for (const answer of answers) {
      // Half of its life, as when it was signed; without the spread, which the spread of nextUpdate makes up for.
      const dueAt = answer.thisUpdate + Math.floor((answer.nextUpdate - answer.thisUpdate) / 2);
      this.putAnswer(slot, answer.hash, answer, dueAt);
    }
    return slot;
  }

  #clear(slot: number): void {
    for (const answers of this.#answers.values()) {
      answers.reserve(slot);
      answers.clear(slot, DUE.atOnce);
    }
    this.certificates.bumpVersion(slot);
  }

  #drop(slot: number): void {
    this.certificates.delete(slot);
    for (const answers of this.#answers.values()) answers.clear(slot, DUE.never);
  }
}

/** To the second, as answers carry it. */
export function isSameRevocation(one: Revocation | undefined, other: Revocation | undefined): boolean {
  return one?.revokedAtMs === other?.revokedAtMs && one?.reason === other?.reason;
}
