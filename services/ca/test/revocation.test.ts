import { randomUUID } from "node:crypto";
import { CertificateState, RevocationReason } from "@vcc-pki/proto/ca";
import { parseCertificateList } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa, OPERATOR } from "./harness.ts";
import { type OpenSsl, openSsl } from "./openssl.ts";

let suite: CaHarness;
let tool: OpenSsl;
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-code-signing-ca", "vcc-platform-ca"] });
  tool = openSsl();
});
afterAll(async () => {
  tool.close();
  await suite.close();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const AUTHORITY = "vcc-services-ca";
const getCrl = async (authorityId = AUTHORITY) => suite.as("gateway").crls.get({ authorityId, shard: 0, delta: false });

const revoke = (certificateId = "", fields: object = {}) =>
  suite.as().certificates.revoke({
    ...{ requestId: randomUUID(), organisation: "brandenburg", certificateId, invalidityDate: undefined },
    ...{ reason: RevocationReason.KEY_COMPROMISE, ...fields },
  });

describe("revocation", () => {
  it("shows in the certificate, its status, an event and the audit trail at once", async () => {
    const { certificate } = await suite.issue();
    const { sequence } = suite.store.audit.head();
    const revoked = await revoke(certificate?.certificateId);
    expect(revoked).toMatchObject({
      state: CertificateState.REVOKED,
      revocationReason: RevocationReason.KEY_COMPROMISE,
    });
    const status = await suite
      .as()
      .certificates.getStatus({ organisation: "brandenburg", certificateId: certificate?.serialHex ?? "" });
    expect(status).toMatchObject({ state: CertificateState.REVOKED, revokedAt: suite.clock.now() });
    expect(suite.store.audit.read(sequence, 10)).toMatchObject([
      { action: "certificate.revoke", outcome: "done", requester: OPERATOR },
    ]);
    const [event] = suite.store.outbox.pending(1_000).slice(-1);
    expect(event).toMatchObject({ subject: "pki.brandenburg.certificate.revoked", data: { reason: "keyCompromise" } });
  });

  it("is done once: a repeat answers the same, another request is refused", async () => {
    const { certificate } = await suite.issue();
    const fields = { requestId: randomUUID() };
    const [first, second] = await Promise.all([
      revoke(certificate?.certificateId, fields),
      revoke(certificate?.certificateId, fields),
    ]);
    expect(second).toEqual(first);
    await expect(revoke(certificate?.certificateId)).rejects.toThrow(code("CERTIFICATE_NOT_REVOCABLE"));
  });

  it.each<[string, object, string]>([
    ["a hold", { reason: RevocationReason.CERTIFICATE_HOLD }, "REVOCATION_REASON_NOT_ALLOWED"],
    ["removeFromCRL", { reason: RevocationReason.REMOVE_FROM_CRL }, "REVOCATION_REASON_NOT_ALLOWED"],
    ["the compromise of a CA", { reason: RevocationReason.CA_COMPROMISE }, "REVOCATION_REASON_NOT_ALLOWED"],
    ["an invalidity date in the future", { invalidityDate: new Date("2030-01-01") }, "REQUEST_MALFORMED"],
    [
      "an invalidity date without compromise",
      { reason: RevocationReason.SUPERSEDED, invalidityDate: new Date("2026-11-01") },
      "REQUEST_MALFORMED",
    ],
  ])("is refused for %s", async (_, fields, expected) => {
    const { certificate } = await suite.issue();
    await expect(revoke(certificate?.certificateId, fields)).rejects.toThrow(code(expected));
  });

  it("is refused for what does not exist or does not look like an id", async () => {
    await expect(revoke(`${AUTHORITY}:01aa`)).rejects.toThrow(code("NOT_FOUND"));
    await expect(revoke("argus")).rejects.toThrow(code("REQUEST_MALFORMED"));
  });
});

describe("the CRL", () => {
  it("of a new authority is there after the first chores, empty", async () => {
    await suite.ca.runChores();
    const { crlDer } = await getCrl("vcc-code-signing-ca");
    expect(parseCertificateList(crlDer).revokedCount).toBe(0);
    expect(tool.run("crl", "-in", tool.pem("empty.pem", "X509 CRL", crlDer), "-noout", "-text")).toContain(
      "No Revoked Certificates",
    );
  });

  it("lists what was revoked, after a moment in which revocations are collected", async () => {
    const issued = await Promise.all([suite.issue(), suite.issue()]);
    await suite.ca.runChores();
    const before = await getCrl();
    suite.clock.advance(2_000);
    const invalidityDate = new Date("2026-11-20T00:00:00Z");
    for (const { certificate } of issued) await revoke(certificate?.certificateId, { invalidityDate });
    await suite.ca.runChores();
    expect((await getCrl()).crlNumber).toBe(before.crlNumber);
    suite.clock.advance(1_000);
    await suite.ca.runChores();
    const after = await getCrl();
    expect(after.crlNumber).toBeGreaterThan(before.crlNumber);
    const list = parseCertificateList(after.crlDer);
    for (const { certificate } of issued) {
      expect(list.findRevoked(certificate?.serialHex ?? "")).toMatchObject({ reason: "keyCompromise", invalidityDate });
    }
  });

  it("is accepted by OpenSSL, which then refuses the certificate", async () => {
    const good = await suite.issue();
    const bad = await suite.issue();
    await revoke(bad.certificate?.certificateId);
    suite.clock.advance(1_000);
    await suite.ca.runChores();

    const { certificatesDer } = await suite.as().authorities.getChain({ organisation: "vcc", authorityId: AUTHORITY });
    const [issuer = new Uint8Array(), root = new Uint8Array()] = certificatesDer;
    tool.pem("root.pem", "CERTIFICATE", root);
    tool.pem("issuer.pem", "CERTIFICATE", issuer);
    tool.pem("good.pem", "CERTIFICATE", good.chainDer[0] ?? new Uint8Array());
    tool.pem("bad.pem", "CERTIFICATE", bad.chainDer[0] ?? new Uint8Array());
    tool.pem("crl.pem", "X509 CRL", (await getCrl()).crlDer);
    tool.run("crl", "-in", "crl.pem", "-CAfile", "issuer.pem", "-noout");
    const text = tool.run("crl", "-in", "crl.pem", "-noout", "-text");
    expect(text.toLowerCase()).toContain(bad.certificate?.serialHex);
    expect(text).toContain("X509v3 CRL Number");
    expect(text).toContain("X509v3 Authority Key Identifier");

    const seconds = String(Math.floor(suite.clock.now().getTime() / 1_000));
    const verify = (file: string) =>
      tool.run(
        "verify",
        "-x509_strict",
        "-crl_check",
        "-attime",
        seconds,
        "-CAfile",
        "root.pem",
        "-untrusted",
        "issuer.pem",
        "-CRLfile",
        "crl.pem",
        file,
      );
    expect(verify("good.pem")).toContain("good.pem: OK");
    expect(() => verify("bad.pem")).toThrow("certificate revoked");
  });

  it("is signed again before it is stale, although nothing changed", async () => {
    const before = await getCrl();
    suite.clock.advance(3_600_000);
    await suite.ca.runChores();
    const after = await getCrl();
    expect(after.crlNumber).toBeGreaterThan(before.crlNumber);
    expect(after.nextUpdate?.getTime()).toBe((after.thisUpdate?.getTime() ?? 0) + 24 * 3_600_000);
  });

  it("keeps what has expired for one more list, and signers forever", async () => {
    const service = await suite.issue({ validitySeconds: 7_200 });
    const signer = await suite.issue({ profile: "code_signing", validitySeconds: 7_200 });
    await revoke(service.certificate?.certificateId);
    await revoke(signer.certificate?.certificateId);
    const isListed = async ({ certificate }: typeof service) => {
      await suite.ca.runChores();
      const { crlDer } = await getCrl(certificate?.authorityId);
      return parseCertificateList(crlDer).findRevoked(certificate?.serialHex ?? "") !== undefined;
    };
    suite.clock.advance(1_000);
    expect([await isListed(service), await isListed(signer)]).toEqual([true, true]);
    suite.clock.advance(3 * 3_600_000);
    expect([await isListed(service), await isListed(signer)]).toEqual([true, true]);
    suite.clock.advance(3_600_000);
    expect([await isListed(service), await isListed(signer)]).toEqual([false, true]);
  });

  it("can be asked for by an administrator, once per request id", async () => {
    const request = { requestId: randomUUID(), organisation: "vcc", authorityId: AUTHORITY, ahead: 0 };
    const { crls } = suite.as();
    const first = await crls.publish(request);
    expect(await crls.publish(request)).toEqual(first);
    await expect(crls.publish({ ...request, requestId: randomUUID(), organisation: "brandenburg" })).rejects.toThrow(
      code("NOT_FOUND"),
    );
  });

  it("of the root takes the custodians' approval, and then comes by the same request id", async () => {
    const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead: 0 };
    const { crls } = suite.as();
    await expect(getCrl("vcc-root-ca")).rejects.toThrow(code("NOT_FOUND"));
    const wait = await crls.publish(request).catch((error) => error);
    expect(wait.code).toBe("APPROVAL_REQUIRED");
    await suite.approve(wait.details.approvalId);
    const published = await crls.publish(request);
    expect(parseCertificateList(published.crlDer).revokedCount).toBe(0);
    expect((await getCrl("vcc-root-ca")).crlNumber).toBe(published.crlNumber);
  });

  it("of the root that custodians refuse is given up", async () => {
    const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead: 0 };
    const { crls } = suite.as();
    const wait = await crls.publish(request).catch((error) => error);
    const { approvals } = suite.hsm.as("ceremony");
    for (const custodian of suite.custodians)
      await custodian.refuse(wait.details.approvalId, approvals).catch(() => {});
    await expect(crls.publish(request)).rejects.toThrow(code("APPROVAL_REFUSED"));
    await expect(crls.publish(request)).rejects.toThrow(code("APPROVAL_REFUSED"));
  });
});
