import { randomUUID } from "node:crypto";
import { CertificateState, RevocationReason } from "@vcc-pki/proto/ca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, newCa, OPERATOR } from "./harness.ts";

const BAVARIAN = "spiffe://vcc.internal/org/bayern/admin/zenzi";

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
  publishCrl: ({ crls }, organisation, _, authorityId) =>
    crls.publish({ requestId: id(), organisation, authorityId, ahead: 0 }),
  issue: ({ certificates }, organisation) => certificates.issue({ ...issueRequest(), organisation }),
  getCertificate: ({ certificates }, organisation, certificateId) => certificates.get({ organisation, certificateId }),
  getStatus: ({ certificates }, organisation, certificateId) => certificates.getStatus({ organisation, certificateId }),
  releaseCertificate: ({ certificates }, organisation, certificateId) =>
    certificates.release({ requestId: id(), organisation, certificateId }),
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
