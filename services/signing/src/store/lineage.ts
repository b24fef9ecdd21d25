import type { Database } from "@vcc-pki/store";

/** What an artefact was made from, as its signature says. Name or digest may be unknown, not both. */
export interface Source {
  readonly relation: "base-model" | "dataset";
  readonly name: string | undefined;
  readonly digest: string | undefined;
}

export interface Edge extends Source {
  readonly artefactDigest: string;
}

interface Row {
  artefact_digest: string;
  relation: Source["relation"];
  source_name: string | null;
  source_digest: string | null;
}

/** UNION keeps each digest once, so that what was said to be made from itself comes to an end. */
const DOWNSTREAM = `WITH RECURSIVE reached (digest) AS (
    SELECT value FROM json_each(?)
    UNION SELECT lineage.artefact_digest FROM reached JOIN lineage ON source_digest = reached.digest AND organisation = ?
  )`;
const UPSTREAM = `WITH RECURSIVE reached (digest) AS (
    VALUES (?)
    UNION SELECT source_digest FROM reached JOIN lineage ON artefact_digest = reached.digest AND organisation = ?
    WHERE source_digest IS NOT NULL
  )`;
const EDGE = "SELECT DISTINCT artefact_digest, relation, source_name, source_digest FROM reached JOIN lineage";

/** The graph of artefacts. What writes belongs inside `store.write`. */
export class LineageTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO lineage (signature, organisation, artefact_digest, relation, source_name, source_digest)
         VALUES (?, ?, ?, ?, ?, ?)`,
      ),
      reached: db.prepare<[string, string], { digest: string }>(
        `${DOWNSTREAM} SELECT digest FROM reached ORDER BY digest`,
      ),
      downstream: db.prepare<[string, string, string, number], Row>(
        `${DOWNSTREAM} ${EDGE} ON source_digest = reached.digest AND organisation = ? LIMIT ?`,
      ),
      upstream: db.prepare<[string, string, string, number], Row>(
        `${UPSTREAM} ${EDGE} ON artefact_digest = reached.digest AND organisation = ? LIMIT ?`,
      ),
      madeFrom: db.prepare<[string, string, string], { artefact_digest: string }>(
        `SELECT DISTINCT artefact_digest FROM lineage
         WHERE organisation = ? AND relation = 'dataset' AND (source_name = ? OR source_digest = ?)`,
      ),
    };
  }

  insert(signature: number, organisation: string, artefactDigest: string, sources: readonly Source[]): void {
    for (const { relation, name, digest } of sources) {
      this.#sql.insert.run(signature, organisation, artefactDigest, relation, name ?? null, digest ?? null);
    }
  }

  /** These, and all that was made from them, sorted. */
  withDownstream(organisation: string, digests: readonly string[]): string[] {
    return this.#sql.reached.all(JSON.stringify(digests), organisation).map(({ digest }) => digest);
  }

  downstream(organisation: string, digest: string, limit: number): Edge[] {
    return this.#sql.downstream.all(JSON.stringify([digest]), organisation, organisation, limit).map(toEdge);
  }

  upstream(organisation: string, digest: string, limit: number): Edge[] {
    return this.#sql.upstream.all(digest, organisation, organisation, limit).map(toEdge);
  }

  /** Artefacts that say they were made from the dataset with this name or digest. */
  madeFromDataset(organisation: string, dataset: string): string[] {
    return this.#sql.madeFrom.all(organisation, dataset, dataset).map(({ artefact_digest }) => artefact_digest);
  }
}

const toEdge = ({ artefact_digest, relation, source_name, source_digest }: Row): Edge => ({
  ...{ artefactDigest: artefact_digest, relation },
  ...{ name: source_name ?? undefined, digest: source_digest ?? undefined },
});
