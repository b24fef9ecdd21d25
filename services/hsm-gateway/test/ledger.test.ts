import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Ledger, type Signed } from "../src/ledger.ts";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";

let gateway: HsmGatewayHarness;
let ledger: Ledger;
beforeEach(async () => {
  gateway = await newHsmGateway({ database: "file" });
  ledger = new Ledger(gateway.store, gateway.clock);
});
afterEach(() => gateway.close());

const signed = (requestId: string, overrides: Partial<Signed> = {}): Signed => ({
  ...{ organisation: "brandenburg", keyId: "ab".repeat(16), purpose: "issuing-ca", payloadType: "tbs-certificate" },
  ...{ signatureAlgorithm: "ed25519", payloadSha256: Buffer.alloc(32, 1), signature: Buffer.alloc(64, 2), requestId },
  ...{ caller: "spiffe://vcc.internal/pki/ca", requester: "spiffe://vcc.internal/pki/ca" },
  ...overrides,
});

describe("the ledger", () => {
  it("counts without gaps and finds what was recorded, in whatever order ids come", async () => {
    for (const id of ["m", "z", "a", "n"]) await ledger.record(signed(id));
    expect(ledger.list(0, 10).map(({ sequence, requestId }) => [sequence, requestId])).toEqual([
      [1, "m"],
      [2, "z"],
      [3, "a"],
      [4, "n"],
    ]);
    for (const id of ["m", "z", "a", "n"]) expect(ledger.find(signed(id).caller, id)?.requestId).toBe(id);
    for (const id of ["b", "zz", ""]) expect(ledger.find(signed("").caller, id)).toBeUndefined();
    expect(ledger.verify().sequence).toBe(4);
  });

  it("finds the same after a restart", async () => {
    await Promise.all(["m", "a"].map((id) => ledger.record(signed(id))));
    const head = ledger.head();
    await gateway.restart();
    const again = new Ledger(gateway.store, gateway.clock);
    expect(again.find(signed("").caller, "a")).toMatchObject(signed("a"));
    expect(again.find(signed("").caller, "b")).toBeUndefined();
    expect(again.verify()).toEqual(head);
  });

  it("pages", async () => {
    await Promise.all(Array.from({ length: 5 }, (_, i) => ledger.record(signed(`${i}`))));
    expect(ledger.list(1, 2).map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(ledger.list(4, 2).map(({ sequence }) => sequence)).toEqual([5]);
  });

  it("cannot be changed or cut by SQL", async () => {
    await ledger.record(signed("a"));
    for (const sql of [
      "UPDATE ledger SET signed_at = 0",
      "DELETE FROM ledger",
      "UPDATE ledger_callers SET caller = 'x'",
      "UPDATE ledger_contexts SET key_id = 'x'",
    ]) {
      expect(() => gateway.store.db.prepare(sql).run()).toThrow(/never/);
    }
  });

  it.each([
    ["a signature", "UPDATE ledger SET signature = x'00' WHERE sequence = 2"],
    ["the time", "UPDATE ledger SET signed_at = signed_at + 1 WHERE sequence = 2"],
    ["the caller", "UPDATE ledger_callers SET caller = 'spiffe://vcc.internal/pki/tsa'"],
    ["the key", "UPDATE ledger_contexts SET key_id = 'cd'"],
    ["an entry that is gone", "DELETE FROM ledger WHERE sequence = 2"],
  ])("shows a change by one who can switch the triggers off: %s", async (_, sql) => {
    for (const id of ["a", "b", "c"]) await ledger.record(signed(id));
    for (const { name } of triggers()) gateway.store.db.exec(`DROP TRIGGER ${name}`);
    gateway.store.db.exec(sql);
    expect(() => ledger.verify()).toThrow(expect.objectContaining({ code: "AUDIT_CHAIN_BROKEN" }));
    await expect(gateway.restart()).rejects.toMatchObject({ code: "AUDIT_CHAIN_BROKEN" });
  });

  it("remembers no name that a failed commit took back", async () => {
    gateway.storeFaults.beforeCommit = () => {
      throw new Error("the disk is full");
    };
    await expect(ledger.record(signed("a"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    gateway.storeFaults.beforeCommit = undefined;
    await ledger.record(signed("a"));
    expect(ledger.list(0, 10)).toMatchObject([signed("a")]);
  });
});

const triggers = () =>
  gateway.store.db
    .prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'audit%'")
    .all();
