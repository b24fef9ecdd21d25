import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verifyInBackground } from "./background.ts";
import type { Verification } from "./verification-thread.ts";

const spkiOf = (key: ReturnType<typeof newKey>) =>
  new Uint8Array(key.publicKey.export({ type: "spki", format: "der" }));
const newKey = (namedCurve = "P-256") => generateKeyPairSync("ec", { namedCurve });

function verification(index: number, key = newKey(), keepKey = false): Verification {
  const data = Buffer.alloc(index + 1, index);
  return {
    spkiDer: spkiOf(key),
    scheme: "ecdsa-sha256",
    data,
    signature: sign("sha256", data, key.privateKey),
    keepKey,
  };
}

/** The key with the last octet of its point changed. */
const offCurve = (spkiDer: Uint8Array): Uint8Array => spkiDer.with(-1, (spkiDer.at(-1) ?? 0) ^ 1);

// Few are verified on libuv's pool, many on a thread of their own: the answers are the same.
describe.each([
  ["alone", 1],
  ["in a crowd", 60],
])("a signature verified in the background, %s", (_, crowd) => {
  const among = (probe: Verification) => {
    const issuer = newKey("P-384");
    const others = Array.from({ length: crowd - 1 }, (_, i) => verification(i, issuer, true));
    return [...others, probe].map((each) => verifyInBackground(each));
  };

  it("is right", async () => {
    expect(await Promise.all(among(verification(7)))).toEqual(Array.from({ length: crowd }, () => true));
  });

  it.each<[string, (right: Verification) => Verification]>([
    ["over other data", (right) => ({ ...right, data: Buffer.from("other") })],
    ["by another key", (right) => ({ ...right, spkiDer: spkiOf(newKey()) })],
    ["with a changed octet", (right) => ({ ...right, signature: right.signature.with(-1, 7) })],
    ["of another kind of key", (right) => ({ ...right, scheme: "ed25519" })],
  ])("is wrong %s, and the others are right", async (_, spoil) => {
    const verdicts = await Promise.all(among(spoil(verification(7))));
    expect(verdicts).toEqual([...Array.from({ length: crowd - 1 }, () => true), false]);
  });

  it.each<[string, (right: Uint8Array) => Uint8Array, string]>([
    ["off its curve", offCurve, "KEY_WEAK"],
    ["that is none", (right) => right.subarray(0, 20), "DER_MALFORMED"],
  ])("is not verified with a key %s", async (_, spoil, code) => {
    const right = verification(7);
    const outcomes = await Promise.allSettled(among({ ...right, spkiDer: spoil(right.spkiDer) }));
    expect(outcomes.at(-1)).toMatchObject({ status: "rejected", reason: { code } });
    expect(outcomes.slice(0, -1).every((outcome) => outcome.status === "fulfilled" && outcome.value)).toBe(true);
  });
});
