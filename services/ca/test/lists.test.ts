import { randomUUID } from "node:crypto";
import { type GetCrlRequest, type GetCrlResponse, RevocationReason } from "@vcc-pki/proto/ca";
import { type CertificateList, OID, parseCertificate, parseCertificateList } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa } from "./harness.ts";
import { type OpenSsl, openSsl } from "./openssl.ts";

let suite: CaHarness;
let tool: OpenSsl;
beforeAll(async () => {
  suite = await newCa({
    authorities: ["vcc-admin-ca", "vcc-code-signing-ca", "vcc-external-orgs-ca", "vcc-services-ca", "vcc-platform-ca"],
    config: { crl: { shards: { "vcc-services-ca": 3 }, validity: "4h" } },
  });
  tool = openSsl();
  await publishRoot();
  await suite.ca.runChores();
  await chores();
});
afterAll(async () => {
  tool.close();
  await suite.close();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const AUTHORITY = "vcc-admin-ca";

async function chores(): Promise<void> {
  suite.clock.advance(1_000);
  await suite.ca.runChores();
}

async function publishRoot(): Promise<GetCrlResponse> {
  const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead: 1 };
  const wait = await suite
    .as()
    .crls.publish(request)
    .catch((error) => error);
  await suite.approve(wait.details.approvalId);
  return suite.as().crls.publish(request);
}

const get = async (fields: Partial<GetCrlRequest> = {}) =>
  (await suite.as("ocsp", undefined).crls.get({ authorityId: AUTHORITY, shard: 0, delta: false, ...fields })).crlDer;
const list = async (fields: Partial<GetCrlRequest> = {}) => parseCertificateList(await get(fields));
const both = async (fields: Partial<GetCrlRequest> = {}) =>
  [await list(fields), await list({ ...fields, delta: true })] as const;

const administrator = (name = "anna") =>
  suite.issue({
    profile: "admin",
    organisation: "vcc",
    names: { uri: [`spiffe://vcc.internal/org/vcc/admin/${name}`] },
  });
type Issued = Awaited<ReturnType<typeof administrator>>;
const idOf = ({ certificate }: Issued) => certificate?.certificateId ?? "";
const entryOf = (crl: CertificateList, { certificate }: Issued) => crl.findRevoked(certificate?.serialHex ?? "");

const revoke = (issued: Issued, reason: RevocationReason = RevocationReason.SUPERSEDED, fields: object = {}) =>
  suite.as().certificates.revoke({
    ...{ requestId: randomUUID(), organisation: issued.certificate?.organisation ?? "", certificateId: idOf(issued) },
    ...{ reason, invalidityDate: undefined, ...fields },
  });
const hold = (issued: Issued) => revoke(issued, RevocationReason.CERTIFICATE_HOLD);
const release = (issued: Issued) =>
  suite.as().certificates.release({ requestId: randomUUID(), organisation: "vcc", certificateId: idOf(issued) });

/** What OpenSSL says about the certificate with these lists and the root's: "OK" or the error. */
async function judge(issued: Issued, ...lists: Uint8Array[]): Promise<string> {
  const { rootsDer } = await suite.as().authorities.getTrustBundle({});
  const [leaf = new Uint8Array(), ...chain] = issued.chainDer;
  tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
  tool.pem("chain.pem", "CERTIFICATE", ...chain);
  tool.pem("lists.pem", "X509 CRL", await get({ authorityId: "vcc-root-ca" }), ...lists);
  const file = tool.pem("leaf.pem", "CERTIFICATE", leaf);
  const flags = ["-x509_strict", "-crl_check_all", "-extended_crl", "-use_deltas"];
  const time = ["-attime", String(Math.floor(suite.clock.now().getTime() / 1_000))];
  const files = ["-CAfile", "root.pem", "-untrusted", "chain.pem", "-CRLfile", "lists.pem"];
  try {
    return tool.run("verify", ...flags, ...time, ...files, file).includes("OK") ? "OK" : "?";
  } catch (error) {
    return /error \d+ at \d+ depth lookup: (.*)/.exec(String((error as { stderr: string }).stderr))?.[1] ?? "?";
  }
}

describe("a certificate and its list", () => {
  it("name each other: distribution point, freshest list, scope", async () => {
    const { chainDer } = await administrator();
    const leaf = parseCertificate(chainDer[0] ?? new Uint8Array());
    const [full, delta] = await both();
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
    const { known } = await list({ authorityId });
    expect(known.issuingDistributionPoint).toMatchObject({
      urls,
      onlyContainsCaCerts: true,
      onlyContainsUserCerts: false,
    });
  });

  it("say that nothing is ever taken off where signers are certified", async () => {
    const full = await list({ authorityId: "vcc-code-signing-ca" });
    const { issuers } = await suite.as("ocsp", undefined).authorities.listIssuers({});
    const der = issuers.find(({ authorityId }) => authorityId === "vcc-code-signing-ca")?.certificateDer;
    expect(full.known.expiredCertsOnCrl).toEqual(parseCertificate(der ?? new Uint8Array()).notBefore);
    expect((await list()).known.expiredCertsOnCrl).toBeUndefined();
  });
});

describe("a revocation", () => {
  it("is at once on a full and a delta list of one number, and OpenSSL takes either", async () => {
    const [good, bad] = [await administrator(), await administrator()];
    const before = await get();
    const invalidityDate = new Date("2026-11-20T00:00:00Z");
    await revoke(bad, RevocationReason.KEY_COMPROMISE, { invalidityDate });
    await chores();
    const [full, delta] = await both();
    expect(delta.crlNumber).toBe(full.crlNumber);
    expect(delta.known.deltaCrlIndicator).toBe(parseCertificateList(before).crlNumber);
    for (const crl of [full, delta])
      expect(entryOf(crl, bad)).toMatchObject({ reason: "keyCompromise", invalidityDate });
    expect(delta.revokedCount).toBe(1);

    expect(await judge(bad, before)).toBe("OK");
    expect(await judge(bad, before, delta.der)).toBe("certificate revoked");
    expect(await judge(bad, full.der, delta.der)).toBe("certificate revoked");
    expect(await judge(good, before, delta.der)).toBe("OK");
    expect(await judge(good, full.der, delta.der)).toBe("OK");
  });

  it("is on a delta list as well when somebody has a full list signed at that moment", async () => {
    const [bad, before] = [await administrator(), await get()];
    await revoke(bad);
    await suite.as().crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId: AUTHORITY, ahead: 0 });
    await chores();
    const [full, delta] = await both();
    expect(entryOf(full, bad)).toBeDefined();
    expect(full.crlNumber).toBe(delta.crlNumber);
    expect(await judge(bad, before, delta.der)).toBe("certificate revoked");
  });

  it("is told by the delta list to everyone whose full list has not ended", async () => {
    const lists = [await get()];
    const revoked: Issued[] = [];
    for (let hour = 0; hour < 3; hour++) {
      const bad = await administrator();
      revoked.push(bad);
      await revoke(bad);
      suite.clock.advance(3_600_000);
      await suite.ca.runChores();
      lists.push(await get());
    }
    const delta = await get({ delta: true });
    for (const full of lists)
      for (const bad of revoked) expect(await judge(bad, full, delta)).toBe("certificate revoked");
  });

  it("of an authority's OCSP responder is on no list that is about authorities", async () => {
    const authorityId = "vcc-external-orgs-ca";
    const responder = await suite.as("ocsp", undefined).certificates.issue({
      ...{ requestId: randomUUID(), organisation: "", profile: "ocsp_responder", authorityId, validitySeconds: 0 },
      csrDer: suite.csr({}),
    });
    await revoke(responder);
    const request = { requestId: randomUUID(), organisation: "vcc", authorityId, ahead: 0 };
    await suite.as().crls.publish(request);
    expect((await list({ authorityId })).revokedCount).toBe(0);
  });
});

describe("a hold", () => {
  it("is on the delta list, then taken off by it, then gone", async () => {
    const held = await administrator();
    const before = await get();
    await hold(held);
    await chores();
    const [full, delta] = await both();
    for (const crl of [full, delta]) expect(entryOf(crl, held)?.reason).toBe("certificateHold");
    expect(await judge(held, before, delta.der)).toBe("certificate revoked");

    await release(held);
    await chores();
    const [freed, freeing] = await both();
    expect(entryOf(freed, held)).toBeUndefined();
    expect(entryOf(freeing, held)?.reason).toBe("removeFromCRL");
    expect(await judge(held, full.der)).toBe("certificate revoked");
    expect(await judge(held, full.der, freeing.der)).toBe("OK");
    expect(await judge(held, freed.der, freeing.der)).toBe("OK");
    expect(await judge(held, before, freeing.der)).toBe("OK");

    for (let hour = 0; hour < 6; hour++) {
      suite.clock.advance(3_600_000);
      await suite.ca.runChores();
    }
    for (const crl of await both()) expect(entryOf(crl, held)).toBeUndefined();
  });

  it("that is ended and begun again before a list is signed is a hold", async () => {
    const held = await administrator();
    await hold(held);
    await release(held);
    await hold(held);
    await chores();
    for (const crl of await both()) expect(entryOf(crl, held)?.reason).toBe("certificateHold");
  });

  it("that becomes a revocation for good keeps its date", async () => {
    const held = await administrator();
    await hold(held);
    const began = suite.clock.now();
    await chores();
    suite.clock.advance(60_000);
    await revoke(held, RevocationReason.CESSATION_OF_OPERATION);
    await chores();
    for (const crl of await both())
      expect(entryOf(crl, held)).toMatchObject({ reason: "cessationOfOperation", revocationDate: began });
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
    for (const one of issued) await revoke(one);
    await chores();
    const lists = await Promise.all([0, 1, 2].map((shard) => list({ authorityId, shard })));
    for (const one of issued)
      expect(lists.map((crl) => entryOf(crl, one) !== undefined)).toEqual(
        [0, 1, 2].map((shard) => shard === shardOf(one)),
      );
    expect(lists.map(({ known }) => known.issuingDistributionPoint?.urls[0])).toEqual(urls);
    const [first = expect.fail("none")] = issued;
    const ownList = lists[shardOf(first)]?.der ?? new Uint8Array();
    const otherList = lists[(shardOf(first) + 1) % 3]?.der ?? new Uint8Array();
    expect(await judge(first, ownList)).toBe("certificate revoked");
    expect(await judge(first, otherList)).not.toBe("OK");
  });

  it("are as many as are configured, each with its delta list", async () => {
    const { issuers } = await suite.as("ocsp", undefined).authorities.listIssuers({});
    expect(issuers.find((issuer) => issuer.authorityId === authorityId)?.crlShards).toBe(3);
    const { crls } = await suite.as("ocsp", undefined).crls.list({});
    const own = crls.filter((crl) => crl.authorityId === authorityId).map(({ shard, delta }) => [shard, delta]);
    expect(own).toEqual([0, 1, 2].flatMap((shard) => [false, true].map((delta) => [shard, delta])));
    for (const { crlNumber, thisUpdate, nextUpdate, ...fields } of crls) {
      const { crlNumber: number, ...times } = await list(fields);
      expect(Number(number)).toBe(crlNumber);
      expect(times).toMatchObject({ thisUpdate, nextUpdate });
    }
  });

  it("are all signed anew when somebody asks for it", async () => {
    const before = await Promise.all(
      [0, 1, 2].map(async (shard) => (await list({ authorityId, shard })).crlNumber ?? 0n),
    );
    await suite.as().crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId, ahead: 0 });
    await chores();
    for (const shard of [0, 1, 2])
      expect((await list({ authorityId, shard })).crlNumber).toBeGreaterThan(before[shard] ?? 0n);
  });
});

describe("lists", () => {
  it.each<[string, Partial<GetCrlRequest>]>([
    ["of no authority", { authorityId: "no-such-ca" }],
    ["of a shard that is none", { shard: 7 }],
    ["of the root's changes", { authorityId: "vcc-root-ca", delta: true }],
  ])("%s are not found", async (_, fields) => {
    await expect(get(fields)).rejects.toThrow(code("NOT_FOUND"));
  });

  it("are announced with shard and kind", async () => {
    await revoke(await administrator());
    await chores();
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
    const [before] = await both();
    await suite.restart();
    await revoke(await administrator());
    await chores();
    const [full, delta] = await both();
    expect(full.crlNumber).toBeGreaterThan(before.crlNumber ?? 0n);
    expect(delta.crlNumber).toBe(full.crlNumber);
  });

  it("are renewed by schedule, with nothing changed", async () => {
    const [before] = await both();
    suite.clock.advance(3_600_000);
    await suite.ca.runChores();
    const [full, delta] = await both();
    expect(full.crlNumber).toBeGreaterThan(before.crlNumber ?? 0n);
    expect(delta.crlNumber).toBe(full.crlNumber);
    expect(delta.nextUpdate?.getTime()).toBe(delta.thisUpdate.getTime() + 6 * 3_600_000);
  });
});
