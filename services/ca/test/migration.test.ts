import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openStore } from "@vcc-pki/store";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CrlTable } from "../src/store/crls.ts";
import { ListTable } from "../src/store/lists.ts";
import { StatusLog } from "../src/store/status-log.ts";

const MIGRATIONS = new URL("../migrations/", import.meta.url);
const clock = fakeClock("2026-11-23T12:00:00Z");
let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "vcc-migration-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** As version 0.1 left it: a root under quorum and an authority, four certificates issued in the order c, a, b, d, of which b and a were
 *  revoked, in that order; a list of each authority. */
const BEFORE = `
  INSERT INTO organisations VALUES ('vcc', 'VCC', 'strict', '[]', '[]', '', 0);
  INSERT INTO authorities (organisation, authority_id, state, request_id, attempt_id, caller, requester, common_name, key_algorithm,
      validity_days, profiles, quorum_threshold, key_id, certificate_der, created_at)
    VALUES ('vcc', 'root', 'active', '', '', '', '', 'Root', 'ec-p256', 1, '[]', 2, '00', x'00', 0),
      ('vcc', 'ca', 'active', '', '', '', '', 'CA', 'ec-p256', 1, '[]', 0, '01', x'00', 0);
  INSERT INTO certificates (organisation, authority_id, serial, profile, profile_version, requester, issued_at, not_after, certificate_der)
    SELECT 'vcc', 'ca', CAST(column1 || '_______________' AS BLOB), 'admin', 1, '', column2, 99, x'00'
    FROM (VALUES ('a', 2), ('b', 3), ('c', 1), ('d', 4));
  INSERT INTO revocations (organisation, authority_id, serial, crl_shard, revoked_at, reason, requester)
    SELECT 'vcc', 'ca', serial, 0, CASE substr(CAST(serial AS TEXT), 1, 1) WHEN 'b' THEN 10 ELSE 20 END, 1, ''
    FROM certificates WHERE issued_at IN (2, 3);
  INSERT INTO crl_state VALUES ('vcc', 'root', 0, 5, NULL, 8640000000000000), ('vcc', 'ca', 0, 7, NULL, 5000);
  INSERT INTO crls VALUES ('vcc', 'root', 0, 5, 'full', 'published', 1, 2, NULL, NULL, x'05'),
    ('vcc', 'ca', 0, 7, 'full', 'published', 1, 2, NULL, NULL, x'07');
`;

describe("the migration of a database without status log", () => {
  it("tells what has happened in its order, and wants new lists where nobody has to be asked", async () => {
    const old = join(directory, "old");
    mkdirSync(old);
    copyFileSync(new URL("0001-initial.sql", MIGRATIONS), join(old, "0001-initial.sql"));
    const file = join(directory, "ca.db");
    const before = openStore({ file, migrations: pathToFileURL(`${old}/`), clock });
    before.db.exec(BEFORE);
    await before.close();

    const { db, close } = openStore({ file, migrations: MIGRATIONS, clock });
    const log = new StatusLog(db);
    const told = log
      .after(0, 10)
      .map(({ sequence, serial, revocation }) => [
        sequence,
        Buffer.from(serial).toString().slice(0, 1),
        revocation?.revokedAt.getTime(),
      ]);
    expect(told).toEqual([
      [1, "c", undefined],
      [2, "a", 20],
      [3, "b", 10],
      [4, "d", undefined],
      [5, "b", 10],
      [6, "a", 20],
    ]);
    expect(db.prepare("SELECT sequence FROM revocations ORDER BY serial").pluck().all()).toEqual([6, 5]);

    const [crls, lists] = [new CrlTable(db), new ListTable(db)];
    const key = (authorityId: string) => ({ organisation: "vcc", authorityId, crlShard: 0 });
    expect(crls.findInForce(key("ca"), "full", clock.now())?.crlDer).toEqual(Buffer.from([7]));
    expect(lists.find(key("ca"))?.dueAt.getTime()).toBe(0);
    expect(lists.find(key("root"))?.dueAt.getTime()).toBe(8.64e15);
    await close();
  });
});
