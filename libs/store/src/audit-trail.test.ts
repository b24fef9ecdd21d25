import { describe, expect, it } from "vitest";
import { auditRecord, handClock, newStore } from "../test/harness.ts";

const BROKEN = expect.objectContaining({ code: "AUDIT_CHAIN_BROKEN" });

async function trailOf(count: number) {
  const { store } = newStore();
  for (let entry = 1; entry <= count; entry++) {
    await store.write(() => store.audit.add(auditRecord({ target: `note:${entry}`, details: { entry } })));
  }
  /** Changes the file behind the back of the library, as somebody with the key could. */
  const tamper = (sql: string) =>
    store.db.exec(`DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_cut; ${sql}`);
  return { store, audit: store.audit, tamper };
}

describe("audit trail", () => {
  it("keeps records as they were added", async () => {
    const { store } = newStore();
    const full = auditRecord({
      outcome: "refused",
      target: "a",
      requestId: "r",
      code: "NAME_NOT_ALLOWED",
      details: { tbs: "ab" },
    });
    await store.write(() => store.audit.add(full));
    await store.write(() => store.audit.add(auditRecord()));
    const [first, second] = store.audit.read(0, 10);
    expect(first).toEqual({
      ...full,
      sequence: 1,
      at: handClock().now(),
      hashHex: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(second).toEqual(expect.objectContaining({ sequence: 2, target: undefined, details: undefined }));
    expect(store.audit.read(1, 10)).toEqual([second]);
    expect(store.audit.head()).toEqual({ sequence: 2, hashHex: second?.hashHex });
  });

  it("has no gaps where work was undone", async () => {
    const { store, insert } = newStore();
    const add = (text: string) => store.write(() => [store.audit.add(auditRecord()), insert(text)]);
    await Promise.allSettled([add("a"), add("a"), add("b"), add("b"), add("c")]);
    expect(store.audit.read(0, 10).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(store.audit.verify()).toEqual(store.audit.head());
  });

  it("verifies an empty trail", () => {
    const { store } = newStore();
    expect(store.audit.verify()).toEqual({ sequence: 0, hashHex: "00".repeat(32) });
  });

  it.each([
    ["a changed column", "UPDATE audit SET requester = 'somebody else' WHERE sequence = 2"],
    ["a changed time", "UPDATE audit SET at = at + 1 WHERE sequence = 3"],
    ["changed details", `UPDATE audit SET details = '{"entry":9}' WHERE sequence = 1`],
    ["a column moved to its neighbour", "UPDATE audit SET request_id = target, target = NULL WHERE sequence = 2"],
    ["a changed hash", "UPDATE audit SET hash = zeroblob(32) WHERE sequence = 4"],
    ["a row removed in the middle", "DELETE FROM audit WHERE sequence = 2"],
    [
      "a row removed and the gap closed",
      "DELETE FROM audit WHERE sequence = 2; UPDATE audit SET sequence = sequence - 1 WHERE sequence > 2",
    ],
    ["the beginning removed", "DELETE FROM audit WHERE sequence = 1"],
  ])("finds %s", async (_case, sql) => {
    const { audit, tamper } = await trailOf(4);
    tamper(sql);
    expect(() => audit.verify()).toThrow(BROKEN);
  });

  it("finds an entry replaced by a well-formed one: the next no longer fits", async () => {
    const { store, audit, tamper } = await trailOf(3);
    const { store: other } = await trailOf(1);
    await other.write(() => other.audit.add(auditRecord({ target: "another story" })));
    const [forged] = other.audit.read(1, 1);
    tamper(
      `UPDATE audit SET target = 'another story', details = NULL, hash = x'${forged?.hashHex}' WHERE sequence = 2`,
    );
    expect(store.audit.read(1, 1)).toEqual([forged]);
    expect(() => audit.verify()).toThrow(BROKEN);
  });

  it("finds a gap even where the hashes fit", async () => {
    const { store, audit, tamper } = await trailOf(1);
    tamper("UPDATE audit SET sequence = 5, hash = zeroblob(32)");
    await store.write(() => audit.add(auditRecord()));
    store.db.exec("DELETE FROM audit WHERE sequence = 5");
    expect(() => audit.verify()).toThrow(BROKEN);
  });

  it("finds a cut end when a head was known before", async () => {
    const { audit, tamper } = await trailOf(4);
    const known = audit.head();
    expect(audit.verify(known)).toEqual(known);
    tamper("DELETE FROM audit WHERE sequence = 4");
    expect(audit.verify().sequence).toBe(3);
    expect(() => audit.verify(known)).toThrow(BROKEN);
  });

  it("finds a rewritten history when a head was known before", async () => {
    const { store, audit, tamper } = await trailOf(1);
    const known = audit.head();
    tamper("DELETE FROM audit");
    await store.write(() => audit.add(auditRecord({ target: "another story" })));
    expect(audit.verify().sequence).toBe(1);
    expect(() => audit.verify(known)).toThrow(BROKEN);
  });

  it("cannot be changed by accident", async () => {
    const { store } = await trailOf(1);
    expect(() => store.db.exec("UPDATE audit SET code = 'X'")).toThrow(/append-only/);
    expect(() => store.db.exec("DELETE FROM audit")).toThrow(/append-only/);
    expect(() => store.audit.add(auditRecord())).toThrow(/inside store.write/);
  });
});
