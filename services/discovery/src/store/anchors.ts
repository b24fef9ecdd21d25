import type { Database } from "@vcc-pki/store";

/** The trust anchors that agents are to have. */
export interface Anchors {
  readonly anchorsId: number;
  /** SHA-256 of each, sorted. */
  readonly sha256: readonly Uint8Array[];
}

interface Row {
  anchors_id: number;
  anchors_sha256: Buffer;
}

const SHA256_OCTETS = 32;

/** What writes belongs inside `store.write`. */
export class AnchorTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      latest: db.prepare<[], Row>("SELECT anchors_id, anchors_sha256 FROM anchors ORDER BY anchors_id DESC LIMIT 1"),
      insert: db.prepare("INSERT INTO anchors (anchors_sha256, seen_at) VALUES (?, ?)"),
    };
  }

  /** undefined: none were seen yet. */
  latest(): Anchors | undefined {
    const row = this.#sql.latest.get();
    return row && { anchorsId: row.anchors_id, sha256: split(row.anchors_sha256) };
  }

  insert(sha256: readonly Uint8Array[], now: Date): void {
    this.#sql.insert.run(Buffer.concat(sha256), now.getTime());
  }
}

const split = (octets: Buffer): Uint8Array[] =>
  Array.from({ length: octets.length / SHA256_OCTETS }, (_, i) =>
    octets.subarray(i * SHA256_OCTETS, (i + 1) * SHA256_OCTETS),
  );
