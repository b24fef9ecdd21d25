import { describe, expect, it } from "vitest";
import { AnswerMemory, DUE } from "./answer-memory.ts";

const NOW = 1_800_000_000;
const answer = { responder: 3, thisUpdate: NOW, nextUpdate: NOW + 86_400, signature: new Uint8Array(72).fill(0xee) };

describe("AnswerMemory", () => {
  it("gives back what was put, for slots in any chunk", () => {
    const memory = new AnswerMemory();
    for (const slot of [0, 1, 40_000, 100_000]) memory.reserve(slot);
    memory.put(100_000, answer, NOW + 5);
    expect(memory.find(100_000)).toEqual({ ...answer, signature: Buffer.from(answer.signature) });
    expect(memory.find(40_000)).toBeUndefined();
    memory.clear(100_000, DUE.atOnce);
    expect([memory.has(100_000), memory.dueAt(100_000)]).toEqual([false, DUE.atOnce]);
  });

  it("lists what is due, the longest due first, and no more than asked for", () => {
    const memory = new AnswerMemory();
    for (let slot = 0; slot < 1_000; slot++) {
      memory.reserve(slot);
      memory.put(slot, answer, NOW + 500 - slot); // the first half is not due
    }
    memory.setDueAt(3, DUE.atOnce);
    memory.setDueAt(999, DUE.never);
    expect(memory.listDue(NOW, 1_000, 10_000)).toHaveLength(500);
    const due = memory.listDue(NOW, 1_000, 100);
    expect(due).toHaveLength(100);
    expect(due[0]).toBe(3);
    expect(Math.min(...due.slice(1))).toBeGreaterThan(850);
    expect(memory.listDue(NOW - 10_000, 1_000, 100)).toEqual([3]);
  });
});
