import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { handClock, newStore, storeOptions, tempDirectory } from "../test/harness.ts";
import { MIGRATIONS } from "../test/migrations-url.ts";
import { openStore, type StoreOptions } from "./index.ts";

const INVALID = expect.objectContaining({ code: "CONFIG_INVALID" });

/** Options with a copy of the migrations that a test may change, and the path of that copy. */
function ownMigrations(): {
  options: StoreOptions;
  write(name: string, sql: string): void;
  remove(name: string): void;
} {
  const directory = join(tempDirectory(), "migrations");
  mkdirSync(directory);
  cpSync(fileURLToPath(MIGRATIONS), directory, { recursive: true });
  return {
    options: storeOptions({ migrations: pathToFileURL(directory) }),
    write: (name, sql) => writeFileSync(join(directory, name), sql),
    remove: (name) => rmSync(join(directory, name)),
  };
}

async function openAndClose(options: StoreOptions): Promise<void> {
  await openStore(options).close();
}

describe("migrations", () => {
  it("are applied once, in order, and recorded with their hash", async () => {
    const { options, write } = ownMigrations();
    await openAndClose(options);
    write("0002-colour.sql", "ALTER TABLE note ADD COLUMN colour TEXT;");
    await openAndClose(options);
    const { store } = newStore(options);
    const rows = store.db.prepare(
      "SELECT number, name, length(sha256) AS digits, applied_at FROM schema_migrations WHERE origin = 'service'",
    );
    const appliedAt = handClock().now().getTime();
    expect(rows.all()).toEqual([
      { number: 1, name: "0001-notes.sql", digits: 64, applied_at: appliedAt },
      { number: 2, name: "0002-colour.sql", digits: 64, applied_at: appliedAt },
    ]);
    store.db.prepare("INSERT INTO note (text, colour) VALUES ('a', 'red')").run();
  });

  it("are refused when an applied one was changed", async () => {
    const { options, write } = ownMigrations();
    await openAndClose(options);
    write("0001-notes.sql", "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE) STRICT;");
    expect(() => openStore(options)).toThrow(INVALID);
  });

  it("are refused when an applied one is gone: the program is older than the file", async () => {
    const { options, write, remove } = ownMigrations();
    write("0002-colour.sql", "ALTER TABLE note ADD COLUMN colour TEXT;");
    await openAndClose(options);
    remove("0002-colour.sql");
    expect(() => openStore(options)).toThrow(INVALID);
  });

  it.each(["0003-gap.sql", "0001-twice.sql", "2-short.sql", "0002_underscore.sql"])(
    "are refused with a file named %s",
    (name) => {
      const { options, write } = ownMigrations();
      write(name, "SELECT 1;");
      expect(() => openStore(options)).toThrow(INVALID);
    },
  );

  it("leave nothing behind when one fails half-way", async () => {
    const { options, write } = ownMigrations();
    write("0002-broken.sql", "CREATE TABLE half (a TEXT) STRICT; INSERT INTO nowhere VALUES (1);");
    expect(() => openStore(options)).toThrow();
    write("0002-broken.sql", "CREATE TABLE half (a TEXT) STRICT;");
    await openAndClose(options);
  });

  it("may not leave foreign keys dangling", () => {
    const { options, write } = ownMigrations();
    const sql = `CREATE TABLE child (note INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED) STRICT;
                 INSERT INTO child VALUES (42);`;
    write("0002-dangling.sql", sql);
    expect(() => openStore(options)).toThrow(INVALID);
  });
});
