import type { Answer } from "./answer.ts";
import type { CertificateMemory } from "./certificate-memory.ts";

/** An answer with what it rests on. */
export interface CachedAnswer {
  readonly answer: Answer;
  /** Where its certificate is, and under which version it was true. */
  readonly slot: number;
  readonly version: number;
  readonly isGood: boolean;
  /** Room for what the door needs to send it again. */
  headers: unknown;
}

/** Whole answers by the octets of the question, as many as given and up to twice that. An answer whose certificate has changed since, in
 *  status or by a newer answer, is not found any more. */
export class AnswerCache {
  readonly #certificates: CertificateMemory;
  readonly #size: number;
  #young = new Map<string, CachedAnswer>();
  #old = new Map<string, CachedAnswer>();

  constructor(certificates: CertificateMemory, size: number) {
    this.#certificates = certificates;
    this.#size = size;
  }

  find(question: string): CachedAnswer | undefined {
    let cached = this.#young.get(question);
    if (cached === undefined) {
      cached = this.#old.get(question);
      if (cached === undefined) return undefined;
      this.#old.delete(question);
      this.#keep(question, cached);
    }
    if (this.#certificates.versionOf(cached.slot) === cached.version) return cached;
    this.#young.delete(question);
    return undefined;
  }

  add(question: string, answer: Answer, slot: number): CachedAnswer {
    const version = this.#certificates.versionOf(slot);
    const cached = { answer, slot, version, isGood: !this.#certificates.isRevoked(slot), headers: undefined };
    this.#keep(question, cached);
    return cached;
  }

  /** Forgets everything. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #keep(question: string, cached: CachedAnswer): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(question, cached);
  }
}
