import { randomUUID } from "node:crypto";
import type { GetCrlRequest } from "@vcc-pki/proto/ca";
import { OID, parseCertificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUTHORITY, entryOf, type Issued, type Lists, newLists } from "./lists.ts";

let lists: Lists;
let suite: Lists["suite"];
beforeAll(async () => {
  lists = await newLists();
  suite = lists.suite;
});
afterAll(() => lists.close());

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a certificate and its list", () => {
  it("name each other: distribution point, freshest list, scope", async () => {
    const { chainDer } = await lists.administrator();
    const leaf = parseCertificate(chainDer[0] ?? new Uint8Array());
    const [full, delta] = await lists.both();
    expect(leaf.crlDistributionPoints).toEqual([`http://localhost:8081/crl/${AUTHORITY}/0.crl`]);
    expect(leaf.known.freshestCrl).toEqual([`http://localhost:8081/crl/${AUTHORITY}/0-delta.crl`]);
    for (const crl of [full, delta]) {
      expect(crl.known.issuingDistributionPoint).toMatchObject({
        ...{ urls: leaf.crlDistributionPoints, onlyContainsUserCerts: true, onlyContainsCaCerts: false },
        ...{ indirectCrl: false, onlySomeReasons: false },
      });
      expect(crl.extensions.find(({ oid }) => oid === OID.issuingDistributionPoint)?.critical).toBe(true);
    }
    expect(full.known.freshestCrl).toEqual(leaf.known.freshestCrl);
    expect(delta.known.freshestCrl).toBeUndefined();
    expect(delta.known.deltaCrlIndicator).toBe(full.crlNumber);
    expect(delta.extensions.find(({ oid }) => oid === OID.deltaCRLIndicator)?.critical).toBe(true);
  });

  it.each([
    ["vcc-root-ca", []], // which names no list itself
    ["vcc-external-orgs-ca", ["http://localhost:8081/crl/vcc-external-orgs-ca/0.crl"]],
  ])("are about authorities alone at %s", async (authorityId, urls) => {
    const { known } = await lists.list({ authorityId });
    expect(known.issuingDistributionPoint).toMatchObject({
      urls,
      onlyContainsCaCerts: true,
      onlyContainsUserCerts: false,
    });
  });

  it("say that nothing is ever taken off where signers are certified", async () => {
    const full = await lists.list({ authorityId: "vcc-code-signing-ca" });
    const { issuers } = await suite.as("ocsp", undefined).authorities.listIssuers({});
    const der = issuers.find(({ authorityId }) => authorityId === "vcc-code-signing-ca")?.certificateDer;
    expect(full.known.expiredCertsOnCrl).toEqual(parseCertificate(der ?? new Uint8Array()).notBefore);
    expect((await lists.list()).known.expiredCertsOnCrl).toBeUndefined();
  });
});

describe("lists by shard", () => {
  const authorityId = "vcc-services-ca";

  it("hold the certificates that name them, and no others", async () => {
    const issued = await Promise.all(Array.from({ length: 24 }, () => suite.issue()));
    const urlOf = ({ chainDer }: Issued) => parseCertificate(chainDer[0] ?? new Uint8Array()).crlDistributionPoints[0];
    const urls = [0, 1, 2].map((shard) => `http://localhost:8081/crl/${authorityId}/${shard}.crl`);
    const shardOf = (one: Issued) => urls.indexOf(urlOf(one) ?? "");
    expect(new Set(issued.map(shardOf))).toEqual(new Set([0, 1, 2]));
    for (const one of issued) await lists.revoke(one);
    await lists.chores();
    const signed = await Promise.all([0, 1, 2].map((shard) => lists.list({ authorityId, shard })));
    for (const one of issued)
      expect(signed.map((crl) => entryOf(crl, one) !== undefined)).toEqual(
        [0, 1, 2].map((shard) => shard === shardOf(one)),
      );
    expect(signed.map(({ known }) => known.issuingDistributionPoint?.urls[0])).toEqual(urls);
    const [first = expect.fail("none")] = issued;
    const ownList = signed[shardOf(first)]?.der ?? new Uint8Array();
    const otherList = signed[(shardOf(first) + 1) % 3]?.der ?? new Uint8Array();
    expect(await lists.judge(first, ownList)).toBe("certificate revoked");
    expect(await lists.judge(first, otherList)).not.toBe("OK");
  });

  it("are as many as are configured, each with its delta list", async () => {
    const { issuers } = await suite.as("ocsp", undefined).authorities.listIssuers({});
    expect(issuers.find((issuer) => issuer.authorityId === authorityId)?.crlShards).toBe(3);
    const { crls } = await suite.as("ocsp", undefined).crls.list({});
    const own = crls.filter((crl) => crl.authorityId === authorityId).map(({ shard, delta }) => [shard, delta]);
    expect(own).toEqual([0, 1, 2].flatMap((shard) => [false, true].map((delta) => [shard, delta])));
    for (const { crlNumber, thisUpdate, nextUpdate, ...fields } of crls) {
      const { crlNumber: number, ...times } = await lists.list(fields);
      expect(Number(number)).toBe(crlNumber);
      expect(times).toMatchObject({ thisUpdate, nextUpdate });
    }
  });

  it("are all signed anew when somebody asks for it", async () => {
    const before = await Promise.all(
      [0, 1, 2].map(async (shard) => (await lists.list({ authorityId, shard })).crlNumber ?? 0n),
    );
    await suite.as().crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId, ahead: 0 });
    await lists.chores();
    for (const shard of [0, 1, 2])
      expect((await lists.list({ authorityId, shard })).crlNumber).toBeGreaterThan(before[shard] ?? 0n);
  });
});

describe("lists", () => {
  it.each<[string, Partial<GetCrlRequest>]>([
    ["of no authority", { authorityId: "no-such-ca" }],
    ["of a shard that is none", { shard: 7 }],
    ["of the root's changes", { authorityId: "vcc-root-ca", delta: true }],
  ])("%s are not found", async (_, fields) => {
    await expect(lists.get(fields)).rejects.toThrow(code("NOT_FOUND"));
  });

  it("are announced with shard and kind", async () => {
    await lists.revoke(await lists.administrator());
    await lists.chores();
    const told = suite.store.outbox
      .pending(10_000)
      .filter(({ type }) => type === "pki.crl.published.v1")
      .slice(-2)
      .map(({ data }) => data);
    expect(told).toMatchObject([
      { authorityId: AUTHORITY, shard: 0, delta: false },
      { authorityId: AUTHORITY, shard: 0, delta: true },
    ]);
  });

  it("have numbers that grow over a restart, in both kinds", async () => {
    const [before] = await lists.both();
    await suite.restart();
    await lists.revoke(await lists.administrator());
    await lists.chores();
    const [full, delta] = await lists.both();
    expect(full.crlNumber).toBeGreaterThan(before.crlNumber ?? 0n);
    expect(delta.crlNumber).toBe(full.crlNumber);
  });

  it("are renewed by schedule, with nothing changed", async () => {
    const [before] = await lists.both();
    suite.clock.advance(3_600_000);
    await suite.ca.runChores();
    const [full, delta] = await lists.both();
    expect(full.crlNumber).toBeGreaterThan(before.crlNumber ?? 0n);
    expect(delta.crlNumber).toBe(full.crlNumber);
    expect(delta.nextUpdate?.getTime()).toBe(delta.thisUpdate.getTime() + 6 * 3_600_000);
  });
});
