import { Slab } from "./slab.ts";
import type { SignedAnswer } from "./status.ts";

const OFFSET = { thisUpdate: 0, nextUpdate: 4, responder: 8, length: 12, signature: 16 };
/** An ECDSA signature with P-256 takes 72 octets at most. */
const RECORD_OCTETS = OFFSET.signature + 72;

/** When an answer is to be signed, in seconds since 1970. */
export const DUE = { atOnce: 0, never: 0xffff_ffff } as const;

/** The signatures over the answers about the certificates in `CertificateMemory`, by slot, for one hash algorithm of CertIDs. */
export class AnswerMemory {
  readonly #slab = new Slab(RECORD_OCTETS);
  #dueAt = new Uint32Array(0);

  /** Makes room for a slot, without an answer. */
  reserve(slot: number): void {
    this.#slab.reserve(slot);
    if (slot < this.#dueAt.length) return;
    const grown = new Uint32Array(Math.max(1 << 12, this.#dueAt.length * 2, slot + 1)).fill(DUE.never);
    grown.set(this.#dueAt);
    this.#dueAt = grown;
  }

  has(slot: number): boolean {
    return this.#slab.chunk(slot)[this.#slab.offset(slot) + OFFSET.length] !== 0;
  }

  /** Its signature shares this memory. undefined: there is no answer. */
  find(slot: number): SignedAnswer | undefined {
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    const length = chunk[offset + OFFSET.length] as number;
    if (length === 0) return undefined;
    const start = offset + OFFSET.signature;
    return {
      responder: chunk.readUInt32LE(offset + OFFSET.responder),
      thisUpdate: chunk.readUInt32LE(offset + OFFSET.thisUpdate),
      nextUpdate: chunk.readUInt32LE(offset + OFFSET.nextUpdate),
      signature: chunk.subarray(start, start + length),
    };
  }

  thisUpdateOf(slot: number): number {
    return this.#slab.chunk(slot).readUInt32LE(this.#slab.offset(slot) + OFFSET.thisUpdate);
  }

  nextUpdateOf(slot: number): number {
    return this.#slab.chunk(slot).readUInt32LE(this.#slab.offset(slot) + OFFSET.nextUpdate);
  }

  put(slot: number, { responder, thisUpdate, nextUpdate, signature }: SignedAnswer, dueAt: number): void {
    if (signature.length > RECORD_OCTETS - OFFSET.signature)
      throw new Error("the signature is longer than a responder's");
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    chunk.writeUInt32LE(thisUpdate, offset + OFFSET.thisUpdate);
    chunk.writeUInt32LE(nextUpdate, offset + OFFSET.nextUpdate);
    chunk.writeUInt32LE(responder, offset + OFFSET.responder);
    chunk[offset + OFFSET.length] = signature.length;
    chunk.set(signature, offset + OFFSET.signature);
    this.#dueAt[slot] = dueAt;
  }

  /** Forgets the answer, if there is one. */
  clear(slot: number, dueAt: number): void {
    this.#slab.chunk(slot)[this.#slab.offset(slot) + OFFSET.length] = 0;
    this.#dueAt[slot] = dueAt;
  }

  dueAt(slot: number): number {
    return this.#dueAt[slot] as number;
  }

  setDueAt(slot: number, dueAt: number): void {
    this.#dueAt[slot] = dueAt;
  }

  /** Up to `limit` of the slots below `slots` that are due at `now`, the longest due first. Two passes over a million entries take some
   *  milliseconds, which sorting them would not. */
  listDue(now: number, slots: number, limit: number): number[] {
    const counts = new Uint32Array(AGES);
    for (let slot = 0; slot < slots; slot++) {
      const dueAt = this.#dueAt[slot] as number;
      if (dueAt > now) continue;
      const age = ageOf(dueAt, now);
      counts[age] = (counts[age] as number) + 1;
    }
    let youngest = AGES - 1;
    for (let total = counts[youngest] as number; youngest > 0 && total < limit; total += counts[youngest] as number)
      youngest--;
    const keys: number[] = [];
    for (let slot = 0; slot < slots && keys.length < limit; slot++) {
      const dueAt = this.#dueAt[slot] as number;
      if (dueAt <= now && ageOf(dueAt, now) >= youngest) keys.push((AGES - ageOf(dueAt, now)) * SLOT_SPAN + slot);
    }
    return Array.from(Float64Array.from(keys).sort(), (key) => key % SLOT_SPAN);
  }
}

const AGES = 4_096;
/** Seconds of lateness that make no difference. */
const AGE_SECONDS = 32;
const SLOT_SPAN = 2 ** 32;

const ageOf = (dueAt: number, now: number): number => Math.min(AGES - 1, Math.floor((now - dueAt) / AGE_SECONDS));
