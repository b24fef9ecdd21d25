import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tempDirectory } from "../test/harness.ts";
import { GroupCommit } from "./group-commit.ts";
import { startMaintenance } from "./maintenance.ts";
import { connect } from "./sqlite.ts";

/** How often the WAL has started over: the checkpoint sequence number in its header (https://sqlite.org/fileformat2.html#walformat). */
const timesStartedOver = (file: string): number => readFileSync(`${file}-wal`).readUInt32BE(12);

it.each(["sqlcipher", "aegis"] as const)(
  "the WAL starts over under steady load without SQLite's own checkpoints (%s)",
  async (cipher) => {
    const connection = { file: join(tempDirectory(), "test.db"), cipher, keyHex: randomBytes(32).toString("hex") };
    const db = connect(connection);
    const commit = new GroupCommit(db);
    // 0 turns SQLite's own checkpoints off, so that only the worker and the writer's last step are left.
    const limits = { busyCommits: 10, autocheckpoint: { quiet: 0, busy: 0 }, startOver: 200 };
    const maintenance = startMaintenance(db, connection, commit, limits);
    db.exec("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT");
    const insert = db.prepare("INSERT INTO note (text) VALUES (?)");

    let written = 0;
    let enough = false;
    const write = async () => {
      while (!enough) {
        await commit.write(() => insert.run("x".repeat(1_000)));
        if (++written % 500 === 0) enough = timesStartedOver(connection.file) >= 3;
      }
    };
    await Promise.all(Array.from({ length: 16 }, write));

    await commit.close();
    await maintenance.close();
    db.close();
    const reopened = connect(connection);
    expect(reopened.prepare("SELECT count(*) FROM note").pluck().get()).toBe(written);
    expect(reopened.pragma("integrity_check", { simple: true })).toBe("ok");
    reopened.close();
  },
);
