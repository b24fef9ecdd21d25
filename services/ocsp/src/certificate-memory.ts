import { Slab } from "./slab.ts";
import { type CertificateName, type Status, toSeconds } from "./status.ts";

/** Length and octets of the serial number, kind, reason, issuer, row, notAfter, revocation, version. */
const OFFSET = {
  length: 0,
  serial: 1,
  kind: 21,
  reason: 22,
  issuer: 24,
  row: 28,
  notAfter: 32,
  revokedAt: 36,
  version: 40,
};
const RECORD_OCTETS = 44;

const KIND = { free: 0, good: 1, revoked: 2 } as const;

const MAX_SECONDS = 0xffff_ffff;
const FIRST_CAPACITY = 1 << 12;

/** Every certificate that has not expired, in about fifty octets each: its status by issuer and serial number. A certificate has a
 *  slot for as long as it is here. */
export class CertificateMemory {
  readonly #slab = new Slab(RECORD_OCTETS);
  /** Open addressing with linear probing; slot + 1, 0 is empty. */
  #table = new Uint32Array(FIRST_CAPACITY);
  readonly #free: number[] = [];
  #slots = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Slots are below this. */
  get slots(): number {
    return this.#slots;
  }

  /** -1: not here. */
  find(issuer: number, serial: Uint8Array): number {
    const mask = this.#table.length - 1;
    for (let place = hashOf(issuer, serial) & mask; ; place = (place + 1) & mask) {
      const entry = this.#table[place] as number;
      if (entry === 0) return -1;
      if (this.#isAt(entry - 1, issuer, serial)) return entry - 1;
    }
  }

  /** Takes the certificate in or changes its status, and returns its slot. `row` 0: not stored yet. */
  put({ issuer, serial }: CertificateName, { notAfterMs, revocation }: Status, row: number): number {
    let slot = this.find(issuer, serial);
    if (slot === -1) slot = this.#insert(issuer, serial);
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    chunk[offset + OFFSET.kind] = revocation === undefined ? KIND.good : KIND.revoked;
    chunk[offset + OFFSET.reason] = revocation?.reason ?? 0;
    if (row !== 0) chunk.writeUInt32LE(row, offset + OFFSET.row);
    chunk.writeUInt32LE(Math.min(toSeconds(notAfterMs), MAX_SECONDS), offset + OFFSET.notAfter);
    chunk.writeUInt32LE(revocation === undefined ? 0 : toSeconds(revocation.revokedAtMs), offset + OFFSET.revokedAt);
    return slot;
  }

  delete(slot: number): void {
    const { issuer, serial } = this.nameOf(slot);
    this.#removeFromTable(issuer, serial);
    const chunk = this.#slab.chunk(slot);
    chunk[this.#slab.offset(slot) + OFFSET.kind] = KIND.free;
    this.bumpVersion(slot);
    this.#free.push(slot);
    this.#size--;
  }

  isInUse(slot: number): boolean {
    return this.#octet(slot, OFFSET.kind) !== KIND.free;
  }

  isRevoked(slot: number): boolean {
    return this.#octet(slot, OFFSET.kind) === KIND.revoked;
  }

  nameOf(slot: number): CertificateName {
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    const length = chunk[offset + OFFSET.length] as number;
    const start = offset + OFFSET.serial;
    return {
      issuer: chunk.readUInt32LE(offset + OFFSET.issuer),
      serial: new Uint8Array(chunk.subarray(start, start + length)),
    };
  }

  statusOf(slot: number): Status {
    const revokedAtMs = this.#number(slot, OFFSET.revokedAt) * 1_000;
    return {
      notAfterMs: this.notAfter(slot) * 1_000,
      revocation: this.isRevoked(slot) ? { revokedAtMs, reason: this.#octet(slot, OFFSET.reason) } : undefined,
    };
  }

  issuerOf(slot: number): number {
    return this.#number(slot, OFFSET.issuer);
  }

  /** 0: not stored yet. */
  rowOf(slot: number): number {
    return this.#number(slot, OFFSET.row);
  }

  /** In seconds since 1970. */
  notAfter(slot: number): number {
    return this.#number(slot, OFFSET.notAfter);
  }

  /** Another number after each change of status or answer: what was made under one version is no longer true under another. */
  versionOf(slot: number): number {
    return this.#number(slot, OFFSET.version);
  }

  bumpVersion(slot: number): void {
    const offset = this.#slab.offset(slot) + OFFSET.version;
    const chunk = this.#slab.chunk(slot);
    chunk.writeUInt32LE((chunk.readUInt32LE(offset) + 1) >>> 0, offset);
  }

  #insert(issuer: number, serial: Uint8Array): number {
    if (serial.length > OFFSET.kind - OFFSET.serial) throw new Error("a serial number of more than 20 octets");
    if ((this.#size + 1) * 2 > this.#table.length) this.#grow();
    const slot = this.#free.pop() ?? this.#slots++;
    this.#slab.reserve(slot);
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    chunk[offset + OFFSET.length] = serial.length;
    chunk.set(serial, offset + OFFSET.serial);
    chunk.writeUInt32LE(issuer, offset + OFFSET.issuer);
    chunk.writeUInt32LE(0, offset + OFFSET.row);
    this.#enter(this.#table, slot, hashOf(issuer, serial));
    this.#size++;
    return slot;
  }

  #enter(table: Uint32Array, slot: number, hash: number): void {
    const mask = table.length - 1;
    let place = hash & mask;
    while (table[place] !== 0) place = (place + 1) & mask;
    table[place] = slot + 1;
  }

  #grow(): void {
    const table = new Uint32Array(this.#table.length * 2);
    for (const entry of this.#table) if (entry !== 0) this.#enter(table, entry - 1, this.#hashOfSlot(entry - 1));
    this.#table = table;
  }

  /** Takes an entry out and moves up those that had to step aside for it (Knuth, volume 3, algorithm 6.4 R). */
  #removeFromTable(issuer: number, serial: Uint8Array): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = hashOf(issuer, serial) & mask;
    while (!this.#isAt((table[hole] as number) - 1, issuer, serial)) hole = (hole + 1) & mask;
    for (let place = (hole + 1) & mask; table[place] !== 0; place = (place + 1) & mask) {
      const home = this.#hashOfSlot((table[place] as number) - 1) & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      table[hole] = table[place] as number;
      hole = place;
    }
    table[hole] = 0;
  }

  #isAt(slot: number, issuer: number, serial: Uint8Array): boolean {
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    if (chunk[offset + OFFSET.length] !== serial.length) return false;
    for (let i = serial.length - 1; i >= 0; i--) if (chunk[offset + OFFSET.serial + i] !== serial[i]) return false;
    return chunk.readUInt32LE(offset + OFFSET.issuer) === issuer;
  }

  #hashOfSlot(slot: number): number {
    const chunk = this.#slab.chunk(slot);
    const offset = this.#slab.offset(slot);
    const start = offset + OFFSET.serial;
    const length = chunk[offset + OFFSET.length] as number;
    return hashOf(chunk.readUInt32LE(offset + OFFSET.issuer), chunk.subarray(start, start + length));
  }

  #octet(slot: number, field: number): number {
    return this.#slab.chunk(slot)[this.#slab.offset(slot) + field] as number;
  }

  #number(slot: number, field: number): number {
    return this.#slab.chunk(slot).readUInt32LE(this.#slab.offset(slot) + field);
  }
}

/** FNV-1a, with a last mix because the table looks at the low bits. Our serial numbers are random where it matters; whoever asks about
 *  invented ones changes nothing in the table. */
function hashOf(issuer: number, serial: Uint8Array): number {
  let hash = 0x811c9dc5 ^ issuer;
  for (let i = 0; i < serial.length; i++) hash = Math.imul(hash ^ (serial[i] as number), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
