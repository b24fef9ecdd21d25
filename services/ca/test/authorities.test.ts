import { randomUUID } from "node:crypto";
import { AuthorityState, RevocationReason } from "@vcc-pki/proto/ca";
import { OID, parseCertificate, parseCertificateList } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, HIERARCHY, newCa, OPERATOR } from "./harness.ts";
import { type OpenSsl, openSsl } from "./openssl.ts";

let suite: CaHarness;
let tool: OpenSsl;
beforeAll(async () => {
  suite = await newCa({
    authorities: [
      "vcc-services-ca",
      "vcc-code-signing-ca",
      "vcc-external-orgs-ca",
      "vcc-admin-ca",
      "vcc-tsa-ca",
      "vcc-platform-ca",
    ],
  });
  tool = openSsl();
});
afterAll(async () => {
  tool.close();
  await suite.close();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const remote = () => suite.as("ceremony", OPERATOR).authorities;
const wanted = (fields: object = {}) => ({
  ...HIERARCHY["vcc-services-ca"],
  authorityId: `ca-${randomUUID().slice(0, 8)}`,
  parentId: "vcc-root-ca",
  ...fields,
});
const seconds = () => String(Math.floor(suite.clock.now().getTime() / 1_000));

describe("the hierarchy", () => {
  it("is accepted by OpenSSL, strictly", async () => {
    const { rootsDer, intermediatesDer } = await suite
      .as("spiffe://vcc.internal/org/brandenburg/service/argus")
      .authorities.getTrustBundle({});
    expect([rootsDer.length, intermediatesDer.length]).toEqual([1, 6]);
    tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
    for (const der of intermediatesDer) {
      const file = tool.pem("ca.pem", "CERTIFICATE", der);
      expect(tool.run("verify", "-x509_strict", "-attime", seconds(), "-CAfile", "root.pem", file)).toContain("OK");
    }
  });

  it("has an offline root: no OCSP above, CRL and issuer named", async () => {
    const { authorities } = await remote().list({ organisation: "vcc" });
    for (const { parentId, certificateDer, authorityId } of authorities) {
      const certificate = parseCertificate(certificateDer);
      expect(certificate.keyUsage).toEqual(["keyCertSign", "cRLSign"]);
      expect(certificate.ocspUrls).toEqual([]);
      expect(certificate.crlDistributionPoints).toEqual(
        parentId === "" ? [] : ["http://localhost:8081/crl/vcc-root-ca/0.crl"],
      );
      expect(certificate.caIssuerUrls).toEqual(parentId === "" ? [] : ["http://localhost:8081/aia/vcc-root-ca.cer"]);
      expect(certificate.extendedKeyUsages ?? [], authorityId).not.toContain(OID.ocspSigning);
    }
  });

  it("limits each authority to its use and its depth", async () => {
    const certificateOf = async (authorityId: string) =>
      parseCertificate((await remote().get({ organisation: "vcc", authorityId })).certificateDer);
    expect((await certificateOf("vcc-root-ca")).basicConstraints).toEqual({ ca: true, pathLength: undefined });
    expect((await certificateOf("vcc-services-ca")).basicConstraints).toEqual({ ca: true, pathLength: 0 });
    expect((await certificateOf("vcc-services-ca")).extendedKeyUsages).toEqual([OID.serverAuth, OID.clientAuth]);
    expect((await certificateOf("vcc-tsa-ca")).extendedKeyUsages).toEqual([OID.timeStamping]);
    expect((await certificateOf("vcc-external-orgs-ca")).basicConstraints).toEqual({ ca: true, pathLength: 1 });
  });

  it("shows a tenant what it uses and what stands above, nothing else", async () => {
    const { authorities } = await suite.as().authorities.list({ organisation: "brandenburg" });
    expect(authorities.map(({ authorityId }) => authorityId)).toContain("vcc-root-ca");
    const bayern = { ...brandenburg, organisation: "bayern", name: "Bayern", allowedNames: ["*.bayern.example"] };
    await suite.as().organisations.create({ ...bayern, requestId: randomUUID(), authorityIds: ["vcc-services-ca"] });
    const visible = await suite
      .as("gateway", "spiffe://vcc.internal/org/bayern/admin/a")
      .authorities.list({ organisation: "" });
    expect(visible.authorities.map(({ authorityId }) => authorityId).sort()).toEqual([
      "vcc-root-ca",
      "vcc-services-ca",
    ]);
  });

  it("uses P-384 unless told otherwise", async () => {
    const authority = await suite.createAuthority(wanted({ keyAlgorithm: "" }));
    expect(authority.keyAlgorithm).toBe("ec-p384");
    expect(authority.token).toContain("SoftHSM");
  });
});

/** What the outbox tells of an approval, in its order. */
const factsAbout = (approvalId: string) =>
  suite.store.outbox.pending(10_000).filter(({ data }) => (data as { approvalId?: string }).approvalId === approvalId);

describe("an authority", () => {
  it("waits for the custodians of its parent and is finished without anybody asking", async () => {
    const { authorityId, ...fields } = wanted();
    const request = { ...emptyRequest, ...fields, authorityId, requestId: randomUUID() };
    const pending = await remote().create(request);
    expect(pending).toMatchObject({ state: AuthorityState.PENDING, approvalId: expect.stringMatching(/./) });
    await suite.ca.runChores();
    expect((await remote().get({ organisation: "vcc", authorityId })).state).toBe(AuthorityState.PENDING);

    await suite.restart();
    await suite.approve(pending.approvalId);
    await suite.ca.runChores();
    expect((await remote().get({ organisation: "vcc", authorityId })).state).toBe(AuthorityState.ACTIVE);
    const types = suite.store.outbox
      .pending(10_000)
      .filter(({ data }) => (data as { authorityId: string }).authorityId === authorityId);
    expect(types.map(({ type }) => type)).toContain("pki.authority.created.v1");
    expect(factsAbout(pending.approvalId)).toMatchObject([
      { type: "pki.approval.requested.v1", data: { operation: "authority.create", required: 2 } },
      { type: "pki.approval.granted.v1", data: { operation: "authority.create" } },
    ]);
  });

  it("that custodians refuse is refused, and its name may be used again", async () => {
    const request = { ...emptyRequest, ...wanted(), requestId: randomUUID() };
    const { approvalId } = await remote().create(request);
    const { approvals } = suite.hsm.as("ceremony");
    for (const custodian of suite.custodians) await custodian.refuse(approvalId, approvals).catch(() => {});
    await suite.ca.runChores();
    expect((await remote().get({ organisation: "vcc", authorityId: request.authorityId })).state).toBe(
      AuthorityState.REFUSED,
    );
    expect(factsAbout(approvalId)).toMatchObject([
      { type: "pki.approval.requested.v1", subject: "pki.vcc.approval.requested" },
      { type: "pki.approval.refused.v1", data: { code: "APPROVAL_REFUSED" } },
    ]);
    expect((await suite.createAuthority({ ...request, requestId: randomUUID() })).state).toBe(AuthorityState.ACTIVE);
  });

  it.each<[string, object, string]>([
    ["a name that is taken", { authorityId: "vcc-services-ca" }, "ALREADY_EXISTS"],
    ["a name for nobody to write", { authorityId: "VCC Services" }, "REQUEST_MALFORMED"],
    ["no common name", { commonName: "" }, "REQUEST_MALFORMED"],
    ["an unknown parent", { parentId: "no-such-ca" }, "NOT_FOUND"],
    ["an unknown profile", { profiles: ["nothing"] }, "PROFILE_UNKNOWN"],
    ["an unknown key", { keyAlgorithm: "rsa-1024" }, "KEY_NOT_ALLOWED"],
    ["code signing beside servers", { profiles: ["mtls_service", "code_signing"] }, "KEY_POLICY_INVALID"],
    ["time stamping beside code signing", { profiles: ["tsa_unit", "code_signing"] }, "KEY_POLICY_INVALID"],
    ["OCSP responders alone", { profiles: ["ocsp_responder"] }, "KEY_POLICY_INVALID"],
    ["nothing to issue", { profiles: [] }, "REQUEST_MALFORMED"],
    ["a parent that may not", { parentId: "vcc-services-ca" }, "KEY_POLICY_INVALID"],
    ["a root without quorum", { parentId: "", profiles: [] }, "KEY_POLICY_INVALID"],
    ["a root that issues to services", { parentId: "", quorumThreshold: 2 }, "KEY_POLICY_INVALID"],
    ["a quorum of more custodians than there are", { quorumThreshold: 9 }, "KEY_POLICY_INVALID"],
    [
      "constraints that permit nothing",
      { nameConstraints: { permittedDns: [], excludedDns: ["a.example"] } },
      "REQUEST_MALFORMED",
    ],
  ])("is refused with %s", async (_, fields, expected) => {
    await expect(suite.createAuthority(wanted(fields))).rejects.toThrow(code(expected));
  });
});

describe("the revocation of an authority", () => {
  it("stops it, and its parent lists it", async () => {
    const { authorityId, certificateDer } = await suite.createAuthority(wanted());
    const revoke = (fields: object) =>
      remote().revoke({
        requestId: randomUUID(),
        organisation: "vcc",
        authorityId,
        reason: RevocationReason.SUPERSEDED,
        ...fields,
      });
    await expect(revoke({ reason: RevocationReason.KEY_COMPROMISE })).rejects.toThrow(
      code("REVOCATION_REASON_NOT_ALLOWED"),
    );
    await expect(revoke({ authorityId: "vcc-root-ca" })).rejects.toThrow(code("CERTIFICATE_NOT_REVOCABLE"));
    await expect(revoke({ organisation: "brandenburg", authorityId: "vcc-services-ca" })).rejects.toThrow(
      code("NOT_FOUND"),
    );
    const request = { requestId: randomUUID() };
    expect((await revoke(request)).state).toBe(AuthorityState.REVOKED);
    expect((await revoke(request)).state).toBe(AuthorityState.REVOKED);
    await expect(revoke({})).rejects.toThrow(code("AUTHORITY_NOT_ACTIVE"));

    const csrDer = suite.csr({ uri: ["spiffe://vcc.internal/pki/ocsp"] });
    const issue = {
      requestId: randomUUID(),
      organisation: "",
      profile: "ocsp_responder",
      authorityId,
      csrDer,
      validitySeconds: 0,
    };
    await expect(suite.as("ocsp").certificates.issue(issue)).rejects.toThrow(code("AUTHORITY_NOT_ACTIVE"));

    suite.clock.advance(1_000);
    await suite.ca.runChores();
    const { approvals } = await suite.hsm.as("ceremony").approvals.list({ state: "APPROVAL_STATE_PENDING" });
    for (const { approvalId } of approvals) await suite.approve(approvalId);
    await suite.ca.runChores();
    expect(factsAbout(approvals[0]?.approvalId ?? "")).toMatchObject([
      { type: "pki.approval.requested.v1", data: { operation: "crl.sign", required: 2 } },
      { type: "pki.approval.granted.v1", data: { operation: "crl.sign" } },
    ]);
    const { crlDer } = await suite.as("ocsp").crls.get({ authorityId: "vcc-root-ca", shard: 0, delta: false });
    const { serialHex } = parseCertificate(certificateDer);
    expect(parseCertificateList(crlDer).findRevoked(serialHex)?.reason).toBe("superseded");
  });

  it("is not done by revoking its certificate", async () => {
    const { authorityId, certificateDer } = await suite.createAuthority(wanted());
    const certificateId = `vcc-root-ca:${parseCertificate(certificateDer).serialHex}`;
    const request = {
      requestId: randomUUID(),
      organisation: "vcc",
      certificateId,
      reason: RevocationReason.SUPERSEDED,
      invalidityDate: undefined,
    };
    await expect(suite.as().certificates.revoke(request)).rejects.toThrow(code("CERTIFICATE_NOT_REVOCABLE"));
    expect((await remote().get({ organisation: "vcc", authorityId })).state).toBe(AuthorityState.ACTIVE);
  });
});

const emptyRequest = {
  ...{ requestId: "", organisation: "vcc", validityDays: 0, profiles: [] as string[], mayIssueAuthorities: false },
  ...{ nameConstraints: undefined, quorumThreshold: 0 },
};
