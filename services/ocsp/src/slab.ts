const CHUNK_BITS = 15;
const CHUNK_RECORDS = 1 << CHUNK_BITS;

/** Records of a fixed size, numbered from 0, in pieces of memory that are never moved: a million small objects would cost several times
 *  as much, and hold up the garbage collector. */
export class Slab {
  readonly #recordOctets: number;
  readonly #chunks: Buffer[] = [];

  constructor(recordOctets: number) {
    this.#recordOctets = recordOctets;
  }

  /** Makes room for this record; new records are zero. */
  reserve(record: number): void {
    while (record >> CHUNK_BITS >= this.#chunks.length) {
      this.#chunks.push(Buffer.alloc(CHUNK_RECORDS * this.#recordOctets));
    }
  }

  /** The memory that the record lies in, from `offset` on. */
  chunk(record: number): Buffer {
    return this.#chunks[record >> CHUNK_BITS] as Buffer;
  }

  offset(record: number): number {
    return (record & (CHUNK_RECORDS - 1)) * this.#recordOctets;
  }
}
