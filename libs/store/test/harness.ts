import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditRecord } from "@vcc-pki/telemetry";
import { onTestFinished } from "vitest";
import { createKeyFile, openStore, type Store, type StoreOptions } from "../src/index.ts";
import { MIGRATIONS } from "./migrations-url.ts";

/** A clock that a test moves by hand. */
export function handClock(start = "2026-11-01T00:00:00Z") {
  let ms = Date.parse(start);
  return {
    now: () => new Date(ms),
    monotonicMs: () => ms,
    advance(byMs: number) {
      ms += byMs;
    },
  };
}

/** A directory that is gone after the test. */
export function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "vcc-store-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Options for a store on disk, encrypted, with the one table `note`. */
export function storeOptions(overrides: Partial<StoreOptions> = {}): StoreOptions & { file: string; keyFile: string } {
  const directory = tempDirectory();
  const keyFile = join(directory, "db.key");
  createKeyFile(keyFile);
  return {
    file: join(directory, "data", "test.db"),
    keyFile,
    migrations: MIGRATIONS,
    clock: handClock(),
    ...overrides,
  } as never;
}

/** An open store that is closed after the test; in memory unless told otherwise. */
export function newStore(overrides: Partial<StoreOptions> = {}) {
  const store = openStore({ file: ":memory:", migrations: MIGRATIONS, clock: handClock(), ...overrides });
  onTestFinished(() => store.close());
  return { store, ...notes(store) };
}

/** The story of a service in one line: a note, its audit record, its event. */
export function notes(store: Store) {
  const insert = store.db.prepare("INSERT INTO note (text) VALUES (?)");
  const select = store.db.prepare<[], string>("SELECT text FROM note ORDER BY id").pluck();
  return {
    insert: (text: string) => insert.run(text),
    texts: () => select.all(),
    tell: (text: string) => {
      insert.run(text);
      store.audit.add(auditRecord({ target: text }));
      store.outbox.add({ subject: "pki.vcc.note.written", type: "pki.note.written.v1", data: { text } });
    },
  };
}

export const auditRecord = (overrides: Partial<AuditRecord> = {}): AuditRecord => ({
  action: "note.write",
  outcome: "done",
  caller: "spiffe://vcc.internal/pki/gateway",
  requester: "spiffe://vcc.internal/org/vcc/admin/operator",
  organisation: "vcc",
  ...overrides,
});
