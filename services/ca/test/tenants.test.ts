import { randomUUID } from "node:crypto";
import { CertificateState, RevocationReason } from "@vcc-pki/proto/ca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, newCa, OPERATOR } from "./harness.ts";

const BAVARIAN = "spiffe://vcc.internal/org/bayern/admin/zenzi";
const BRANDENBURGER = "spiffe://vcc.internal/org/brandenburg/admin/karin";

let suite: CaHarness;
let certificateId = "";
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-admin-ca", "vcc-platform-ca", "vcc-tsa-ca"] });
  const bayern = {
    ...brandenburg,
    organisation: "bayern",
    name: "Freistaat Bayern",
    allowedNames: ["*.bayern.example"],
  };
  await suite.as().organisations.create({ ...bayern, requestId: randomUUID(), authorityIds: ["vcc-services-ca"] });
  certificateId = (await suite.issue()).certificate?.certificateId ?? "";
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const outcome = (call: Promise<unknown>) =>
  call.then(
    () => "answered",
    ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
  );

const id = () => randomUUID();
const listRequest = {
  ...{ organisation: "", authorityId: "", profile: "", state: CertificateState.UNSPECIFIED, name: "" },
  ...{ expiresBefore: undefined, pageSize: 0, pageToken: "" },
};
const issueRequest = () => ({
  ...{
    requestId: id(),
    profile: "mtls_service",
    authorityId: "",
    validitySeconds: 0,
    csrDer: suite.csr({ dns: ["a.bayern.example"] }),
  },
});

/** Every RPC that speaks of a tenant or of something that belongs to one. */
const CALLS: Record<
  string,
  (
    remotes: ReturnType<CaHarness["as"]>,
    organisation: string,
    certificate: string,
    authorityId: string,
  ) => Promise<unknown>
> = {
  getOrganisation: ({ organisations }, organisation) => organisations.get({ organisation }),
  grantMembership: ({ organisations }, organisation) =>
    organisations.grantMembership({
      requestId: id(),
      membership: { organisation, identity: "spiffe://vcc.internal/org/hessen/admin/eve", expiresAt: undefined },
    }),
  revokeMembership: ({ organisations }, organisation) =>
    organisations.revokeMembership({ requestId: id(), organisation, identity: OPERATOR }),
  listAuthorities: ({ authorities }, organisation) => authorities.list({ organisation }),
  getAuthority: ({ authorities }, organisation, _, authorityId) => authorities.get({ organisation, authorityId }),
  getChain: ({ authorities }, organisation, _, authorityId) => authorities.getChain({ organisation, authorityId }),
  revokeAuthority: ({ authorities }, organisation, _, authorityId) =>
    authorities.revoke({ requestId: id(), organisation, authorityId, reason: RevocationReason.UNSPECIFIED }),
  publishCrl: ({ crls }, organisation, _, authorityId) => crls.publish({ requestId: id(), organisation, authorityId }),
  issue: ({ certificates }, organisation) => certificates.issue({ ...issueRequest(), organisation }),
  getCertificate: ({ certificates }, organisation, certificateId) => certificates.get({ organisation, certificateId }),
  getStatus: ({ certificates }, organisation, certificateId) => certificates.getStatus({ organisation, certificateId }),
  revokeCertificate: ({ certificates }, organisation, certificateId) =>
    certificates.revoke({
      requestId: id(),
      organisation,
      certificateId,
      reason: RevocationReason.UNSPECIFIED,
      invalidityDate: undefined,
    }),
  listCertificates: ({ certificates }, organisation) => certificates.list({ ...listRequest, organisation }),
};

describe("another tenant", () => {
  it.each(Object.entries(CALLS))("looks like one that does not exist: %s", async (_, call) => {
    const remotes = suite.as("gateway", BAVARIAN);
    const foreign = await outcome(call(remotes, "brandenburg", certificateId, "vcc-platform-ca"));
    const unknown = await outcome(call(remotes, "nowhere", "vcc-services-ca:01020304", "no-such-ca"));
    expect(foreign).toBe(unknown);
    expect(foreign).toMatch(/^NOT_FOUND: /);
  });

  it.each([
    "getCertificate",
    "getStatus",
    "revokeCertificate",
    "getAuthority",
    "getChain",
    "revokeAuthority",
    "publishCrl",
  ])("'s property looks like nothing, asked for in one's own name: %s", async (name) => {
    const remotes = suite.as("gateway", BAVARIAN);
    const call = CALLS[name] ?? expect.fail("no such call");
    const foreign = await outcome(call(remotes, "", certificateId, "vcc-platform-ca"));
    expect(foreign).toBe(await outcome(call(remotes, "", "vcc-services-ca:01020304", "no-such-ca")));
    expect(foreign).toMatch(/^NOT_FOUND: /);
  });

  it("is not seen in a list or a search", async () => {
    const { certificates } = suite.as("gateway", BAVARIAN);
    for (const name of ["", "argus.vcc.internal", "argus*", "*.vcc.internal"]) {
      expect((await certificates.list({ ...listRequest, name })).certificates).toEqual([]);
    }
    const { organisations } = await suite.as("gateway", BAVARIAN).organisations.list({});
    expect(organisations.map(({ organisation }) => organisation)).toEqual(["bayern"]);
  });

  it("leaves a trace of the attempt in one's own audit records", async () => {
    const { sequence } = suite.store.audit.head();
    await suite
      .as("gateway", BAVARIAN)
      .certificates.get({ organisation: "brandenburg", certificateId })
      .catch(() => {});
    const expected = {
      action: "certificate.get",
      outcome: "refused",
      code: "NOT_FOUND",
      organisation: "bayern",
      requester: BAVARIAN,
    };
    expect(suite.store.audit.read(sequence, 10)).toMatchObject([
      { ...expected, details: { organisation: "brandenburg" } },
    ]);
  });

  it("cannot have its key certified again, and is not named", async () => {
    const { generateKeyPairSync } = process.getBuiltinModule("node:crypto");
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await suite.issue({ csrDer: suite.csr({ dns: ["argus.vcc.internal"] }, { privateKey }) });
    const csrDer = suite.csr({ dns: ["a.bayern.example"] }, { privateKey });
    const error = await suite
      .as("gateway", BAVARIAN)
      .certificates.issue({ ...issueRequest(), organisation: "", csrDer })
      .catch((refusal) => refusal);
    expect(error.code).toBe("KEY_NOT_ALLOWED");
    expect(error.message).not.toContain("brandenburg");
  });
});

describe("a membership", () => {
  const member = "spiffe://vcc.internal/org/bayern/admin/sepp";
  const membership = (expiresAt?: Date) => ({ organisation: "brandenburg", identity: member, expiresAt });
  const list = () => suite.as("gateway", member).certificates.list({ ...listRequest, organisation: "brandenburg" });
  const granting = (requester: string) => suite.as("gateway", requester).organisations;

  it("opens another organisation until it expires", async () => {
    await granting(BRANDENBURGER).grantMembership({
      requestId: id(),
      membership: membership(new Date(suite.clock.now().getTime() + 60_000)),
    });
    expect((await list()).certificates.length).toBeGreaterThan(0);
    const { organisations } = await granting(member).list({});
    expect(organisations.map(({ organisation }) => organisation)).toEqual(["bayern", "brandenburg"]);
    suite.clock.advance(60_000);
    await expect(list()).rejects.toThrow(code("NOT_FOUND"));
  });

  it("or until it is revoked", async () => {
    await granting(BRANDENBURGER).grantMembership({ requestId: id(), membership: membership() });
    await list();
    const revocation = { requestId: id(), organisation: "brandenburg", identity: member };
    await granting(BRANDENBURGER).revokeMembership(revocation);
    await granting(BRANDENBURGER).revokeMembership(revocation);
    await expect(list()).rejects.toThrow(code("NOT_FOUND"));
    await expect(granting(BRANDENBURGER).revokeMembership({ ...revocation, requestId: id() })).rejects.toThrow(
      code("NOT_FOUND"),
    );
  });

  it("does not let its holder grant another, nor make an administrator that outlives it", async () => {
    await granting(BRANDENBURGER).grantMembership({ requestId: id(), membership: membership() });
    const friend = { ...membership(), identity: "spiffe://vcc.internal/org/bayern/admin/friend" };
    await expect(granting(member).grantMembership({ requestId: id(), membership: friend })).rejects.toThrow(
      code("NOT_FOUND"),
    );
    const csrDer = suite.csr({ uri: ["spiffe://vcc.internal/org/brandenburg/admin/sepp"] });
    const request = { ...issueRequest(), organisation: "brandenburg", profile: "admin", csrDer };
    await expect(suite.as("gateway", member).certificates.issue(request)).rejects.toThrow(code("PROFILE_NOT_ALLOWED"));
    await suite.as("gateway", OPERATOR).certificates.issue({ ...request, requestId: id() });
  });

  it.each<[string, string, string]>([
    ["a workload", "spiffe://vcc.internal/org/bayern/service/a", "REQUEST_MALFORMED"],
    ["somebody who is at home there", "spiffe://vcc.internal/org/brandenburg/admin/a", "REQUEST_MALFORMED"],
    ["somebody of another trust domain", "spiffe://evil.example/org/bayern/admin/a", "NAME_MALFORMED"],
  ])("is not granted to %s", async (_, identity, expected) => {
    const request = { requestId: id(), membership: { ...membership(), identity } };
    await expect(granting(BRANDENBURGER).grantMembership(request)).rejects.toThrow(code(expected));
  });
});

describe("an organisation", () => {
  const hessen = { ...brandenburg, organisation: "hessen", name: "Land Hessen", allowedNames: ["*.hessen.example"] };
  const create = (fields: object, requester = OPERATOR) =>
    suite.as("gateway", requester).organisations.create({ ...hessen, requestId: id(), ...fields });

  it("is made by the operator alone", async () => {
    await expect(create({}, BAVARIAN)).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    const created = await create({});
    expect(created).toMatchObject({
      organisation: "hessen",
      allowedNetworks: ["10.1.0.0/16"],
      createdAt: suite.clock.now(),
    });
    await expect(create({})).rejects.toThrow(code("ALREADY_EXISTS"));
  });

  it.each<[string, object, string]>([
    ["an id with capitals", { organisation: "Hessen" }, "REQUEST_MALFORMED"],
    ["no name", { organisation: "saarland", name: "" }, "REQUEST_MALFORMED"],
    [
      "names of another one, both strict",
      { organisation: "saarland", allowedNames: ["argus.vcc.internal"] },
      "NAME_NOT_ALLOWED",
    ],
    ["a name that is none", { organisation: "saarland", allowedNames: ["*.*.example"] }, "NAME_MALFORMED"],
    [
      "a network that is none",
      { organisation: "saarland", allowedNames: [], allowedNetworks: ["10.1.2.3/8"] },
      "NAME_MALFORMED",
    ],
    [
      "an authority that does not exist",
      { organisation: "saarland", allowedNames: [], authorityIds: ["no-such-ca"] },
      "NOT_FOUND",
    ],
    [
      "a matrix that is no JSON",
      {
        organisation: "saarland",
        allowedNames: [],
        isolationPolicy: { serviceAccessMatrixJson: "{", dataSharingLevel: 1, crossTenantAuth: false },
      },
      "REQUEST_MALFORMED",
    ],
  ])("is refused with %s", async (_, fields, expected) => {
    await expect(create(fields)).rejects.toThrow(code(expected));
  });
});

describe("callers", () => {
  const call = (caller: string, requester?: string) => suite.as(caller, requester);
  const workload = "spiffe://vcc.internal/org/brandenburg/service/argus";
  const suiteOwn = (service: string, fields: object = {}) => ({
    ...{ requestId: id(), organisation: "", profile: "platform", authorityId: "", validitySeconds: 0 },
    csrDer: suite.csr({ uri: [`spiffe://vcc.internal/pki/${service}`] }),
    ...fields,
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a workload lists certificates", () => call(workload).certificates.list(listRequest)],
    ["a workload revokes", () => CALLS.revokeCertificate?.(call(workload), "", certificateId, "") ?? Promise.resolve()],
    ["an administrator goes past the gateway", () => call(OPERATOR).certificates.list(listRequest)],
    [
      "ocsp makes an authority",
      () => CALLS.revokeAuthority?.(call("ocsp"), "vcc", "", "vcc-services-ca") ?? Promise.resolve(),
    ],
    ["tsa makes an organisation", () => call("tsa").organisations.list({})],
    ["ocsp speaks for an administrator", () => call("ocsp", OPERATOR).certificates.issue(suiteOwn("ocsp"))],
  ])("are refused when %s, with a trace", async (_, attempt) => {
    const { sequence } = suite.store.audit.head();
    await expect(attempt()).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect
      .poll(() => suite.store.audit.read(sequence, 10))
      .toMatchObject([{ outcome: "refused", code: "CALLER_NOT_ALLOWED" }]);
  });

  it("of the suite get their own identity with the names configured for them, and no other", async () => {
    const names = { uri: ["spiffe://vcc.internal/pki/gateway"], dns: ["localhost"], ip: ["127.0.0.1"] };
    const { certificate } = await call("gateway", "spiffe://vcc.internal/pki/gateway").certificates.issue(
      suiteOwn("gateway", { csrDer: suite.csr(names) }),
    );
    expect(certificate).toMatchObject({
      organisation: "vcc",
      uris: names.uri,
      dnsNames: names.dns,
      ipAddresses: names.ip,
    });
    await expect(call("ocsp").certificates.issue(suiteOwn("ca"))).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    const greedy = suite.csr({ uri: ["spiffe://vcc.internal/pki/ocsp"], dns: ["localhost"] });
    await expect(call("ocsp").certificates.issue(suiteOwn("ocsp", { csrDer: greedy }))).rejects.toThrow(
      code("NAME_NOT_ALLOWED"),
    );
    await expect(call("ocsp").certificates.issue(suiteOwn("ocsp", { profile: "mtls_service" }))).rejects.toThrow(
      code("PROFILE_NOT_ALLOWED"),
    );
    await expect(call("ocsp").certificates.issue(suiteOwn("ocsp", { profile: "tsa_unit" }))).rejects.toThrow(
      code("PROFILE_NOT_ALLOWED"),
    );
  });

  it("may read trust bundles and CRLs whoever they are", async () => {
    await suite.ca.runChores();
    for (const caller of [workload, OPERATOR, "ocsp"]) {
      expect((await call(caller).authorities.getTrustBundle({})).rootsDer).toHaveLength(1);
      expect((await call(caller).crls.get({ authorityId: "vcc-services-ca" })).crlNumber).toBeGreaterThan(0);
    }
  });
});
