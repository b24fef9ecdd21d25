import type { Database, Store } from "@vcc-pki/store";
import { parseCertificate } from "@vcc-pki/x509";
import { searchTerms } from "../search.ts";

/** New names that make it worth storing them. */
const ENOUGH = 16_000;
/** New names kept in memory at most, about 100 octets each. Beyond that they are stored one by one. */
const MOST = 4 * ENOUGH;
/** Names stored in one go: holds the event loop for 10 ms at worst, when each lies on a page of its own. */
const PORTION = 256;

interface Place {
  organisation: string;
  term: string;
  /** Within a term the order is newest first. */
  serial: Uint8Array;
}

const START: Place = { organisation: "", term: "", serial: new Uint8Array() };

/** The index of names. Names come in no order, so storing those of each certificate at once would change pages all over the table, more
 *  than everything else about it. Those of the newest certificates are therefore in a table of the same shape in memory, which takes part
 *  in transactions, and are moved into the stored one thousands at a time, in their order: then many share a page. A name is in
 *  one of the two; how far the stored one goes is recorded in it, and who starts reads the rest from the certificates. */
export class NameIndex {
  readonly #sql;
  /** Names in memory, or somewhat more: those of undone transactions are counted until the next move. */
  #waiting = 0;
  #isQuiet = true;

  constructor(db: Database) {
    db.exec(`CREATE TEMP TABLE IF NOT EXISTS new_names (
      organisation TEXT, term TEXT, serial BLOB, PRIMARY KEY (organisation, term, serial DESC)) STRICT, WITHOUT ROWID`);
    this.#sql = prepare(db);
    db.transaction(() => this.#readNew())();
  }

  /** Adds the terms of a certificate, in the transaction that stores it: only inside `store.write`. */
  add(organisation: string, serial: Uint8Array, terms: readonly string[]): void {
    const insert = this.#waiting < MOST ? this.#sql.insertNew : this.#sql.insert;
    for (const term of terms) insert.run(organisation, term, serial);
    this.#waiting += terms.length;
    this.#isQuiet = false;
  }

  /** Moves what is in memory into the stored table if it is enough, or if nothing was added since it was last asked for. */
  async storeIfDue(store: Store): Promise<void> {
    const isDue = this.#waiting >= ENOUGH || this.#isQuiet;
    this.#isQuiet = true;
    if (isDue && this.#waiting > 0) await this.storeAll(store);
  }

  /** Moves it in portions, so that other work goes on. What is added meanwhile moves along, or waits for the next time. Not to be
   *  called twice at once. */
  async storeAll(store: Store): Promise<void> {
    const waiting = this.#waiting;
    const sequence = this.#sql.head.get() ?? 0;
    let after: Place | undefined = START;
    while (after !== undefined) {
      const from: Place = after;
      after = await store.write(() => this.#moveOne(from, sequence));
    }
    this.#waiting -= waiting;
  }

  /** Moves a portion and returns where it ended; with the last one it is on record that every name up to `sequence` is stored. */
  #moveOne(after: Place, sequence: number): Place | undefined {
    const { lastOf, move, forget, setStored } = this.#sql;
    const last = lastOf.get({ ...after, skipped: PORTION - 1 });
    const portion = { ...after, limit: PORTION };
    move.run(portion);
    forget.run(portion);
    if (last === undefined) setStored.run(sequence);
    return last;
  }

  /** Reads the names of the certificates that came after the last move; one that was interrupted has stored some of them. */
  #readNew(): void {
    for (const { organisation, serial, certificate_der } of this.#sql.unstored.all()) {
      for (const term of searchTerms(parseCertificate(certificate_der).subjectAltNames)) {
        if (this.#sql.isStored.get(organisation, term, serial)) continue;
        this.#sql.insertNew.run(organisation, term, serial);
        this.#waiting++;
      }
    }
  }
}

/** A SELECT over names `n`, their certificates `c` and revocations `r`, wherever the names are. `order` names two columns of the result,
 *  `term` and `named_serial`; the parameters of `where` are wanted twice. */
export function selectNamed(columns: string, where: string, order: string): string {
  const select = (table: string) =>
    `SELECT ${columns}, n.term, n.serial AS named_serial FROM ${table} n
     CROSS JOIN certificates c ON c.organisation = n.organisation AND c.serial = n.serial
     LEFT JOIN revocations r ON r.organisation = c.organisation AND r.serial = c.serial AND r.authority_id = c.authority_id
     WHERE ${where}`;
  return `${select("certificate_names")} UNION ALL ${select("new_names")} ORDER BY ${order}`;
}

const AFTER = `FROM new_names
  WHERE (organisation, term) >= (@organisation, @term)
    AND NOT (organisation = @organisation AND term = @term AND serial >= @serial)
  ORDER BY organisation, term, serial DESC`;

function prepare(db: Database) {
  return {
    insertNew: db.prepare("INSERT OR IGNORE INTO new_names (organisation, term, serial) VALUES (?, ?, ?)"),
    insert: db.prepare("INSERT OR IGNORE INTO certificate_names (organisation, term, serial) VALUES (?, ?, ?)"),
    lastOf: db.prepare<[Place & { skipped: number }], Place>(
      `SELECT organisation, term, serial ${AFTER} LIMIT 1 OFFSET @skipped`,
    ),
    move: db.prepare<[Place & { limit: number }]>(
      `INSERT OR IGNORE INTO certificate_names (organisation, term, serial) SELECT organisation, term, serial ${AFTER} LIMIT @limit`,
    ),
    forget: db.prepare<[Place & { limit: number }]>(
      `DELETE FROM new_names WHERE (organisation, term, serial) IN (SELECT organisation, term, serial ${AFTER} LIMIT @limit)`,
    ),
    setStored: db.prepare<[number]>("UPDATE names_stored SET sequence = ?"),
    head: db.prepare<[], number>("SELECT coalesce(max(sequence), 0) FROM status_log").pluck(),
    unstored: db.prepare<[], { organisation: string; serial: Buffer; certificate_der: Buffer }>(
      `SELECT c.organisation, c.serial, c.certificate_der
       FROM status_log l JOIN certificates c ON c.authority_id = l.authority_id AND c.serial = l.serial
       WHERE l.sequence > (SELECT sequence FROM names_stored) AND l.change = 0`,
    ),
    isStored: db.prepare<[string, string, Uint8Array]>(
      "SELECT 1 FROM certificate_names WHERE organisation = ? AND term = ? AND serial = ?",
    ),
  };
}
