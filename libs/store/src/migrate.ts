import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import type { Database } from "./sqlite.ts";

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/** Brings the tables of `origin` up to the newest file `NNNN-name.sql` of `directory`, each in its own transaction.
 *  What was applied is history: a file that changed or went missing since throws CONFIG_INVALID, and so does a gap. */
export function migrate(db: Database, origin: string, directory: URL, clock: Clock): void {
  db.exec(`CREATE TABLE IF NOT EXISTS schema_migrations (
    origin TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL,
    PRIMARY KEY (origin, number)
  ) STRICT, WITHOUT ROWID`);
  const migrations = readMigrations(directory);
  const applied = requireHistory(db, origin, migrations);
  const record = db.prepare(
    "INSERT INTO schema_migrations (origin, number, name, sha256, applied_at) VALUES (?, ?, ?, ?, ?)",
  );
  for (const { number, name, sql, sha256 } of migrations.slice(applied)) {
    db.transaction(() => {
      db.exec(sql);
      requireForeignKeys(db, name);
      record.run(origin, number, name, sha256, clock.now().getTime());
    }).immediate();
  }
}

function readMigrations(directory: URL): Migration[] {
  const path = fileURLToPath(directory);
  const names = readdirSync(path)
    .filter((name) => name.endsWith(".sql"))
    .sort();
  return names.map((name, index) => {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
    if (number !== index + 1) {
      throw new PkiError(
        "CONFIG_INVALID",
        `migration ${name} in ${path} should be number ${index + 1}, as NNNN-name.sql`,
      );
    }
    const sql = readFileSync(new URL(encodeURIComponent(name), withSlash(directory)), "utf8");
    return { number, name, sql, sha256: createHash("sha256").update(sql).digest("hex") };
  });
}

/** How many migrations have been applied, after comparing each with its file. */
function requireHistory(db: Database, origin: string, migrations: readonly Migration[]): number {
  const select = "SELECT number, name, sha256 FROM schema_migrations WHERE origin = ? ORDER BY number";
  const applied = db.prepare<[string], { number: number; name: string; sha256: string }>(select).all(origin);
  for (const [index, row] of applied.entries()) {
    const file = migrations[index];
    if (file?.name !== row.name || file.sha256 !== row.sha256) {
      throw new PkiError(
        "CONFIG_INVALID",
        `applied migration ${row.name} was changed or removed, or the database is newer`,
      );
    }
  }
  return applied.length;
}

function requireForeignKeys(db: Database, name: string): void {
  const violations = db.pragma("foreign_key_check") as unknown[];
  if (violations.length > 0) throw new PkiError("CONFIG_INVALID", `migration ${name} leaves foreign keys dangling`);
}

const withSlash = (directory: URL): URL => new URL(directory.href.endsWith("/") ? directory : `${directory.href}/`);
