import { randomUUID } from "node:crypto";
import { CertificateState, type ListCertificatesRequest } from "@vcc-pki/proto/ca";
import { openStore } from "@vcc-pki/store";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NameIndex } from "../src/store/name-index.ts";
import { failCommit } from "./faults.ts";
import { type CaHarness, newCa } from "./harness.ts";

let suite: CaHarness;
beforeEach(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca"] });
});
afterEach(() => suite.close());

/** Certificates with two DNS names each, so four terms: one of seven names, and one of the certificate's own. */
async function issueMany(from: number, to: number): Promise<void> {
  const issue = (i: number) =>
    suite.issue({ names: { dns: [`s${i % 7}.vcc.internal`, `only-${i}.t${i % 3}.vcc.local`] } });
  await Promise.all(Array.from({ length: to - from }, (_, i) => issue(from + i)));
}

const count = (table: string) => Number(suite.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
/** Of the same tables: the ca's own is asked by its chores. */
const index = () => new NameIndex(suite.store.db);

const base: ListCertificatesRequest = {
  ...{ organisation: "brandenburg", authorityId: "", profile: "", state: CertificateState.UNSPECIFIED, name: "" },
  ...{ expiresBefore: undefined, pageSize: 0, pageToken: "" },
};

/** Every page, to the end; `between` runs after each. */
async function list(name: string, pageSize: number, between = async () => {}): Promise<string[]> {
  const serials = [];
  let pageToken = "";
  do {
    const page = await suite.as().certificates.list({ ...base, name, pageSize, pageToken });
    serials.push(...page.certificates.map(({ serialHex }) => serialHex));
    pageToken = page.nextPageToken;
    await between();
  } while (pageToken !== "");
  return serials;
}

const SEARCHES = ["s3.vcc.internal", "only-5.t2.vcc.local", "s*", "only-1*", "*.vcc.internal", "*.t1.vcc.local", "x*"];
const answers = () => Promise.all(SEARCHES.flatMap((name) => [list(name, 1_000), list(name, 7)]));

describe("names in memory and in the database", () => {
  it("are searched as one", async () => {
    await issueMany(0, 40);
    await index().storeAll(suite.store);
    expect([count("new_names"), count("certificate_names")]).toEqual([0, 160]);
    await issueMany(40, 80);
    expect([count("new_names"), count("certificate_names")]).toEqual([160, 160]);

    const parted = await answers();
    expect(parted.map(({ length }) => length)).toEqual([11, 11, 1, 1, 80, 80, 11, 11, 80, 80, 27, 27, 0, 0]);
    expect(parted[0]).toEqual(parted[0]?.toSorted().reverse());
    expect(parted[5]).toEqual(parted[4]);
    await index().storeAll(suite.store);
    expect(await answers()).toEqual(parted);
  });

  it("are found again after a restart", async () => {
    await issueMany(0, 10);
    await index().storeAll(suite.store);
    await issueMany(10, 20);
    const before = await answers();
    await suite.restart();
    expect([count("new_names"), count("certificate_names")]).toEqual([40, 40]);
    expect(await answers()).toEqual(before);
  });

  it("are stored by the chores when no more come", async () => {
    await issueMany(0, 10);
    await suite.ca.runChores();
    expect(count("new_names")).toBe(40);
    await suite.ca.runChores();
    expect([count("new_names"), count("certificate_names")]).toEqual([0, 40]);
    await suite.restart();
    expect(count("new_names")).toBe(0);
  });

  it("give each certificate once while they move between the pages", async () => {
    await issueMany(0, 160);
    for (const name of ["s*", "*.vcc.local", "s3.vcc.internal"]) {
      const expected = await list(name, 1_000);
      const moved = await list(name, 20, async () => {
        failCommit(suite.storeFaults, 2, "before");
        await index()
          .storeAll(suite.store)
          .catch(() => {});
        delete suite.storeFaults.beforeCommit;
      });
      expect(moved).toEqual(expected);
    }
    expect([count("new_names"), count("certificate_names")]).toEqual([0, 640]);
  });

  // 640 names are three portions.
  it.each([1, 2, 3].flatMap((n) => [[n, "before"] as const, [n, "after"] as const]))(
    "survive the failure of portion %i %s it is stored",
    async (portion, when) => {
      await issueMany(0, 160);
      const expected = await answers();
      failCommit(suite.storeFaults, portion, when);
      await expect(index().storeAll(suite.store)).rejects.toThrow(
        expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
      );
      const moved = Math.min(256 * (when === "before" ? portion - 1 : portion), 640);
      expect([count("new_names"), count("certificate_names")]).toEqual([640 - moved, moved]);
      expect(await answers()).toEqual(expected);

      await suite.restart();
      expect([count("new_names"), count("certificate_names")]).toEqual([640 - moved, moved]);
      expect(await answers()).toEqual(expected);
      await index().storeAll(suite.store);
      expect([count("new_names"), count("certificate_names")]).toEqual([0, 640]);
      expect(await answers()).toEqual(expected);
    },
  );

  it("let a workload renew wherever they are", async () => {
    const uri = ["spiffe://vcc.internal/org/brandenburg/service/argus"];
    const names = { uri, dns: ["argus.vcc.internal"] };
    await suite.issue({ names });
    const renew = () =>
      suite.as(uri[0]).certificates.issue({
        ...{ requestId: randomUUID(), organisation: "", profile: "mtls_service", authorityId: "" },
        ...{ csrDer: suite.csr(names), validitySeconds: 0 },
      });
    await renew();
    await index().storeAll(suite.store);
    expect((await renew()).certificate?.uris).toEqual(uri);
  });
});

describe("an index of many names", () => {
  const migrations = new URL("../migrations/", import.meta.url);
  const term = (i: number) => `n${i}`;

  it("keeps so many in memory and no more", async () => {
    const store = openStore({ file: ":memory:", migrations, clock: fakeClock() });
    const names = new NameIndex(store.db);
    const counts = () =>
      ["new_names", "certificate_names"].map((table) =>
        store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
      );
    let next = 0;
    const add = (number: number) =>
      store.write(() => {
        for (const end = next + number; next < end; next++)
          names.add("vcc", new Uint8Array([next % 256]), [term(next)]);
      });

    await add(15_999);
    await names.storeIfDue(store);
    expect(counts()).toEqual([15_999, 0]);
    await add(1);
    await names.storeIfDue(store);
    expect(counts()).toEqual([0, 16_000]);
    await add(64_100);
    expect(counts()).toEqual([64_000, 16_100]);
    await names.storeIfDue(store);
    expect(counts()).toEqual([0, 80_100]);
    await store.close();
  });

  it("forgets those of a write that failed", async () => {
    const store = openStore({ file: ":memory:", migrations, clock: fakeClock() });
    const names = new NameIndex(store.db);
    const failing = store.write(() => {
      names.add("vcc", new Uint8Array([1]), [term(1)]);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(store.db.prepare("SELECT count(*) FROM new_names").pluck().get()).toBe(0);
    await names.storeAll(store);
    expect(store.db.prepare("SELECT count(*) FROM certificate_names").pluck().get()).toBe(0);
    await store.close();
  });
});
