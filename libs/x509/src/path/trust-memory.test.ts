import { describe, expect, it } from "vitest";
import { makeCa } from "../../test/authority.ts";
import type { Check } from "../index.ts";
import { TrustMemory } from "./trust-memory.ts";

const root = makeCa("Root");
const issuing = makeCa("CA", {}, root);
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 23) + seconds * 1_000);

/** Trusts whom it is asked about from 10 to 20 seconds, and counts how often it was asked. */
function trustOfTen(options?: { readonly aheadMs: number }) {
  const asked = { times: 0 };
  const memory = new TrustMemory((_signer, _others, moment): readonly Check[] => {
    asked.times++;
    return [{ name: "path", ok: at(10) <= moment && moment <= at(20) }];
  }, options);
  return {
    asked,
    isTrusted: (signer = issuing.certificate, seconds = 0) => memory.check(signer, [], at(seconds))[0]?.ok,
  };
}

describe("who was trusted", () => {
  it("at two moments was trusted between them, without being asked about again", () => {
    const { asked, isTrusted } = trustOfTen();
    expect([11, 19, 15, 11, 19].map((seconds) => isTrusted(issuing.certificate, seconds))).toEqual(Array(5).fill(true));
    expect(asked.times).toBe(2);
  });

  it("is asked about again outside of what is known", () => {
    const { isTrusted } = trustOfTen();
    expect([15, 9, 21, 10, 20, 22].map((seconds) => isTrusted(issuing.certificate, seconds))).toEqual([
      ...[true, false, false, true, true, false],
    ]);
  });

  it("is asked about ahead, and not again until then; no further than it is trusted", () => {
    const { asked, isTrusted } = trustOfTen({ aheadMs: 4_000 });
    expect([11, 12, 13, 14, 15].map((seconds) => isTrusted(issuing.certificate, seconds))).toEqual(Array(5).fill(true));
    expect(asked.times).toBe(2);
    expect([18, 19, 20, 21].map((seconds) => isTrusted(issuing.certificate, seconds))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it("says nothing of anybody else", () => {
    const { asked, isTrusted } = trustOfTen();
    isTrusted(issuing.certificate, 15);
    isTrusted(root.certificate, 15);
    expect(asked.times).toBe(2);
  });

  it("is not remembered when nothing vouched for it", () => {
    let times = 0;
    const memory = new TrustMemory(() => {
      times++;
      return [];
    });
    for (let i = 0; i < 2; i++) expect(memory.check(issuing.certificate, [], at(0))).toEqual([]);
    expect(times).toBe(2);
  });
});
