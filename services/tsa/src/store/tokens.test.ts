import { hash } from "node:crypto";
import { openStore, type Store } from "@vcc-pki/store";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SerialSource } from "../serial.ts";
import { type LoggedToken, TokenTable } from "./tokens.ts";
import { UnitKeyTable } from "./unit-keys.ts";

const clock = fakeClock("2026-11-23T12:00:00Z");
const serials = new SerialSource(clock);
let store: Store;
let tokens: TokenTable;

const COUNT = 5_000;
const digestOf = (i: number) => hash("sha256", String(i), "buffer");
const token = (i: number, fields: Partial<LoggedToken> = {}): LoggedToken => ({
  ...{ organisation: i % 2 ? "berlin" : "vcc", serial: serials.next(), hash: "sha256", digest: digestOf(i) },
  ...{ policy: "1.2.3", unitKey: 1, genTime: new Date(clock.now().getTime() + i), evidenceId: "ab" },
  ...{ tstInfoDer: Buffer.of(1), signedAttributesDer: Buffer.of(2), signature: Buffer.of(3), certificates: "chain" },
  ...fields,
});

beforeAll(async () => {
  store = openStore({ file: ":memory:", migrations: new URL("../../migrations/", import.meta.url), clock });
  tokens = new TokenTable(store.db);
  const unitKeys = new UnitKeyTable(store.db);
  const unit = { unit: "main", organisation: "vcc", requestId: "r", keyAlgorithm: "ec-p256" } as const;
  await store.write(() => {
    unitKeys.insert({ ...unit, algorithm: "ecdsa-p256-sha256", isTest: false }, clock.now());
    for (let i = 0; i < COUNT; i++) tokens.insert(token(i));
  });
});
afterAll(() => store.close());

describe("the log of tokens", () => {
  it("finds a digest in every block, for its organisation alone", () => {
    for (const i of [0, 1, 1_023, 1_024, 2_600, COUNT - 1]) {
      const organisation = i % 2 ? "berlin" : "vcc";
      expect(tokens.listByDigest(organisation, digestOf(i), Number.MAX_SAFE_INTEGER, 10)).toMatchObject([
        { token: i + 1, organisation, certificates: "chain" },
      ]);
      expect(tokens.listByDigest("bayern", digestOf(i), Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    }
    expect(tokens.listByDigest("vcc", digestOf(COUNT), Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  });

  it("tells digests apart that begin alike", async () => {
    const alike = Buffer.concat([digestOf(4).subarray(0, 8), Buffer.alloc(24)]);
    await store.write(() => tokens.insert(token(4, { digest: alike })));
    expect(tokens.listByDigest("vcc", alike, Number.MAX_SAFE_INTEGER, 10)).toHaveLength(1);
  });

  it("takes no serial number twice", async () => {
    const { serial } = token(0);
    await store.write(() => tokens.insert(token(0, { serial })));
    await expect(store.write(() => tokens.insert(token(2, { serial })))).rejects.toThrow(/UNIQUE/);
  });

  it("forgets the oldest, in portions", async () => {
    const before = tokens.count();
    const forget = () => store.write(() => tokens.forgetBefore(new Date(clock.now().getTime() + 1_000), 600));
    expect([await forget(), await forget(), await forget()]).toEqual([600, 400, 0]);
    expect(tokens.count()).toBe(before - 1_000);
    expect(tokens.listByDigest("vcc", digestOf(1_002), Number.MAX_SAFE_INTEGER, 10)).toHaveLength(1);
  });
});
