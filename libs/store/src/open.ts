import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { AuditTrail } from "./audit-trail.ts";
import { GroupCommit, type StoreFaults, type WriteOptions } from "./group-commit.ts";
import { Inbox } from "./inbox.ts";
import { readKeyFile } from "./key-file.ts";
import { startMaintenance } from "./maintenance.ts";
import { migrate } from "./migrate.ts";
import { Outbox } from "./outbox.ts";
import { type Cipher, connect, type Database, isUnavailable } from "./sqlite.ts";

export interface StoreOptions {
  /** Path of the database, made with its directory when missing; ":memory:" for tests. */
  readonly file: string;
  /** Path of the key, made by `createKeyFile`. Without one the file is not encrypted. */
  readonly keyFile?: string;
  readonly cipher?: Cipher;
  /** Directory of the service's own `NNNN-name.sql` files. */
  readonly migrations: URL;
  readonly clock: Clock;
  readonly faults?: StoreFaults;
}

/** One service's SQLite file. One process writes it. */
export interface Store {
  /** For `prepare` and reads. Reads outside `write` see what has been committed, and what an unfinished batch has not. */
  readonly db: Database;
  readonly outbox: Outbox;
  readonly audit: AuditTrail;
  readonly inbox: Inbox;
  /** Runs `work` in the next group commit and resolves with its value after COMMIT has reached the disk. `work` is synchronous;
   *  its throw undoes its own writes only and rejects with what was thrown. Rejects with STORE_UNAVAILABLE when the disk is
   *  full, read-only or failing: then the work may or may not be stored. */
  write<T>(work: () => T, options?: WriteOptions): Promise<T>;
  /** Writes a consistent copy, encrypted with the same key, while work goes on. `file` must not exist. */
  backup(file: string): Promise<void>;
  /** Finishes what is queued and closes. */
  close(): Promise<void>;
}

const OWN_MIGRATIONS = new URL("../migrations/", import.meta.url);

/** Opens the database and brings it up to date. Throws CONFIG_INVALID for a missing, public or wrong key and for migrations that do
 *  not fit the file, STORE_UNAVAILABLE when the file cannot be used. */
export function openStore(options: StoreOptions): Store {
  const { file, keyFile, cipher = "sqlcipher", migrations, clock, faults } = options;
  const connection = { file, cipher, keyHex: keyFile === undefined ? undefined : readKeyFile(keyFile) };
  const db = connect(connection);
  try {
    migrate(db, "store", OWN_MIGRATIONS, clock);
    migrate(db, "service", migrations, clock);
  } catch (error) {
    db.close();
    if (!isUnavailable(error)) throw error;
    throw new PkiError("STORE_UNAVAILABLE", `the database ${file} cannot be brought up to date`, { cause: error });
  }
  const commit = new GroupCommit(db, faults);
  const maintenance = startMaintenance(db, connection, commit);
  let closed: Promise<void> | undefined;
  return {
    db,
    outbox: new Outbox(db, commit, clock),
    audit: new AuditTrail(db, commit, clock),
    inbox: new Inbox(db, commit, clock),
    write: (work, options) => commit.write(work, options),
    backup: (target) => maintenance.backup(target),
    close() {
      closed ??= (async () => {
        await commit.close();
        await maintenance.close();
        db.close();
      })();
      return closed;
    },
  };
}
