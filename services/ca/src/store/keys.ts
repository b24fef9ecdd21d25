import type { Database } from "@vcc-pki/store";

/** Who a key was certified for, and what for. */
export interface KeyHolder {
  readonly organisation: string;
  readonly purpose: string;
}

const HASH_OCTETS = 8;
const SMALLEST_CAPACITY = 1 << 12;

/** The holders of all keys that were ever certified, in memory beside their log in the database: 24 octets a key. What writes
 *  belongs inside `store.write`; when that write fails, `release` takes the claim back. */
export class KeyTable {
  readonly #sql;
  readonly #holders: KeyHolder[] = [];
  readonly #holderIds = new Map<string, number>();
  #owners = new HashTable(SMALLEST_CAPACITY);

  constructor(db: Database) {
    this.#sql = {
      insertHolder: db.prepare("INSERT OR IGNORE INTO key_holders (holder_id, organisation, purpose) VALUES (?, ?, ?)"),
      insertKey: db.prepare("INSERT INTO certified_keys (holder_id, spki_sha256_64) VALUES (?, ?)"),
    };
    const holders = db
      .prepare<[], [number, string, string]>("SELECT holder_id, organisation, purpose FROM key_holders")
      .raw();
    for (const [id, organisation, purpose] of holders.iterate()) this.#remember(id, { organisation, purpose });
    const keys = db.prepare<[], [number, Buffer]>("SELECT holder_id, spki_sha256_64 FROM certified_keys").raw();
    for (const [id, hash] of keys.iterate()) this.#set(hash, id);
  }

  findHolder(spkiSha256: Uint8Array): KeyHolder | undefined {
    return this.#holders[this.#owners.get(spkiSha256)];
  }

  /** Notes the holder of a key. Returns whether it is this one: false when the key was certified for someone or something else. */
  claim(spkiSha256: Uint8Array, holder: KeyHolder): boolean {
    const current = this.findHolder(spkiSha256);
    if (current) return current.organisation === holder.organisation && current.purpose === holder.purpose;
    const id = this.#holderIds.get(nameOf(holder)) ?? Math.max(this.#holders.length, 1);
    this.#sql.insertHolder.run(id, holder.organisation, holder.purpose);
    this.#sql.insertKey.run(id, spkiSha256.subarray(0, HASH_OCTETS));
    this.#remember(id, holder);
    this.#set(spkiSha256, id);
    return true;
  }

  /** Forgets a claim whose write failed. */
  release(spkiSha256: Uint8Array): void {
    this.#owners.set(spkiSha256, RELEASED);
  }

  #remember(id: number, holder: KeyHolder): void {
    this.#holders[id] = holder;
    this.#holderIds.set(nameOf(holder), id);
  }

  #set(hash: Uint8Array, id: number): void {
    if (this.#owners.isFull) this.#owners = this.#owners.grown();
    this.#owners.set(hash, id);
  }
}

const nameOf = ({ organisation, purpose }: KeyHolder): string => `${organisation} ${purpose}`;

/** Stands in a slot whose key is nobody's any more. */
const RELEASED = 0xffffffff;

/** Numbers by the first eight octets of a hash: open addressing, at most half full. A slot with number 0 is empty. */
class HashTable {
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #numbers: Uint32Array;
  #used = 0;

  constructor(capacity: number) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#numbers = new Uint32Array(capacity);
  }

  get isFull(): boolean {
    return this.#used * 2 >= this.#numbers.length;
  }

  get(hash: Uint8Array): number {
    return this.#numbers[this.#slotOf(word(hash, 0), word(hash, 4))] ?? 0;
  }

  set(hash: Uint8Array, number: number): void {
    this.#put(word(hash, 0), word(hash, 4), number);
  }

  /** A table of twice the size with the same content. */
  grown(): HashTable {
    const table = new HashTable(this.#numbers.length * 2);
    for (const [slot, number] of this.#numbers.entries()) {
      if (number !== 0) table.#put(this.#high[slot] ?? 0, this.#low[slot] ?? 0, number);
    }
    return table;
  }

  #put(high: number, low: number, number: number): void {
    const slot = this.#slotOf(high, low);
    if (this.#numbers[slot] === 0) this.#used++;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#numbers[slot] = number;
  }

  /** The slot of this hash, or the empty one where it would go. The hash is uniform, so its own bits choose where to begin. */
  #slotOf(high: number, low: number): number {
    const mask = this.#numbers.length - 1;
    let slot = low & mask;
    while (this.#numbers[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high))
      slot = (slot + 1) & mask;
    return slot;
  }
}

const word = (hash: Uint8Array, offset: number): number =>
  (((hash[offset] ?? 0) << 24) |
    ((hash[offset + 1] ?? 0) << 16) |
    ((hash[offset + 2] ?? 0) << 8) |
    (hash[offset + 3] ?? 0)) >>>
  0;
