import { randomUUID } from "node:crypto";
import { AuthorityState } from "@vcc-pki/proto/ca";
import { type GeneralNamesInput, isSignedBy, nameToText, OID, parseCertificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, newCa } from "./harness.ts";
import { type OpenSsl, openSsl } from "./openssl.ts";

let suite: CaHarness;
let tool: OpenSsl;
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-external-orgs-ca"] });
  tool = openSsl();
});
afterAll(async () => {
  tool.close();
  await suite.close();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const issueResponder = (authorityId: string, { caller = "ocsp", names = {} as GeneralNamesInput, fields = {} } = {}) =>
  suite.as(caller).certificates.issue({
    ...{ requestId: randomUUID(), organisation: "", profile: "ocsp_responder", authorityId },
    ...{ validitySeconds: 0, csrDer: suite.csr(names) },
    ...fields,
  });
const seconds = () => String(Math.floor(suite.clock.now().getTime() / 1_000));

describe("a partner's authority", () => {
  const admin = "spiffe://vcc.internal/org/sachsen/admin/karl";
  const permittedDns = ["sachsen.example"];
  let authorityId = "";
  const issue = (names: GeneralNamesInput) =>
    suite.as("gateway", admin).certificates.issue({
      ...{ requestId: randomUUID(), organisation: "", profile: "external_integration", authorityId: "" },
      ...{ validitySeconds: 0, csrDer: suite.csr(names) },
    });

  it("is bound to the partner's names", async () => {
    const sachsen = {
      ...brandenburg,
      organisation: "sachsen",
      name: "Freistaat Sachsen",
      allowedNames: ["*.sachsen.example"],
    };
    await suite
      .as()
      .organisations.create({ ...sachsen, requestId: randomUUID(), authorityIds: ["vcc-external-orgs-ca"] });
    const partner = {
      ...{ organisation: "", authorityId: "sachsen-ca", parentId: "vcc-external-orgs-ca", commonName: "Sachsen CA" },
      ...{ keyAlgorithm: "ec-p256", validityDays: 0, profiles: ["external_integration"], mayIssueAuthorities: false },
      ...{ nameConstraints: undefined, quorumThreshold: 0 },
    };
    const create = (fields: object) =>
      suite.as("gateway", admin).authorities.create({ ...partner, requestId: randomUUID(), ...fields });
    await expect(create({})).rejects.toThrow(code("KEY_POLICY_INVALID"));
    const foreign = { permittedDns: ["vcc.internal"], excludedDns: [] };
    await expect(create({ nameConstraints: foreign })).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(create({ parentId: "vcc-root-ca" })).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(create({ parentId: "", profiles: [], quorumThreshold: 2 })).rejects.toThrow(
      code("CALLER_NOT_ALLOWED"),
    );

    const created = await create({ nameConstraints: { permittedDns, excludedDns: ["geheim.sachsen.example"] } });
    expect(created.state).toBe(AuthorityState.ACTIVE);
    authorityId = created.authorityId;
    const { known } = parseCertificate(created.certificateDer);
    expect(known.nameConstraints?.permitted.dns).toEqual(permittedDns);
    expect(known.nameConstraints?.excluded).toMatchObject({
      dns: ["geheim.sachsen.example"],
      ip: ["0.0.0.0/0", "::/0"],
    });
  });

  it("issues under its own name, and OpenSSL agrees with the constraints", async () => {
    const issued = await issue({ dns: ["portal.sachsen.example"] });
    expect(issued.certificate?.authorityId).toBe(authorityId);
    const { rootsDer } = await suite.as().authorities.getTrustBundle({});
    const [leaf = new Uint8Array(), ...chain] = issued.chainDer;
    tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
    tool.pem("chain.pem", "CERTIFICATE", ...chain);
    const file = tool.pem("leaf.pem", "CERTIFICATE", leaf);
    expect(
      tool.run("verify", "-x509_strict", "-attime", seconds(), "-CAfile", "root.pem", "-untrusted", "chain.pem", file),
    ).toContain("OK");
  });

  it("issues nothing that its own certificate forbids, even where the organisation may use the name", async () => {
    await expect(issue({ dns: ["a.geheim.sachsen.example"] })).rejects.toThrow(code("LINT_FAILED"));
  });

  it("certifies its OCSP responder, and OpenSSL agrees with the constraints", async () => {
    for (const id of [authorityId, "vcc-external-orgs-ca"]) {
      const { chainDer } = await issueResponder(id);
      const [leaf = new Uint8Array(), ...chain] = chainDer;
      const { subject, subjectAltNames, extendedKeyUsages, known } = parseCertificate(leaf);
      expect(nameToText(subject)).toBe(`CN=OCSP ${id},O=${id === authorityId ? "Freistaat Sachsen" : "VCC"}`);
      expect(subjectAltNames).toMatchObject({ dns: [], uri: [], ip: [], email: [] });
      expect([extendedKeyUsages, known.ocspNoCheck]).toEqual([[OID.ocspSigning], true]);
      expect(isSignedBy(parseCertificate(leaf), parseCertificate(chain[0] ?? new Uint8Array()).spkiDer)).toBe(true);
      tool.pem("chain.pem", "CERTIFICATE", ...chain);
      const file = tool.pem("responder.pem", "CERTIFICATE", leaf);
      const flags = ["-x509_strict", "-purpose", "ocsphelper", "-attime", seconds(), "-CAfile", "root.pem"];
      expect(tool.run("verify", ...flags, "-untrusted", "chain.pem", file)).toContain("OK");
    }
  });

  it("is invisible to others", async () => {
    await expect(suite.as().authorities.get({ organisation: "brandenburg", authorityId })).rejects.toThrow(
      code("NOT_FOUND"),
    );
  });
});

describe("an OCSP responder's certificate", () => {
  const own = "spiffe://vcc.internal/pki/ocsp";

  it("may be asked for with the service's own name, which it does not carry", async () => {
    const { chainDer } = await issueResponder("vcc-services-ca", { names: { uri: [own] } });
    expect(parseCertificate(chainDer[0] ?? new Uint8Array()).known.subjectAltName).toBeUndefined();
  });

  it.each<[string, string, Parameters<typeof issueResponder>[1], string]>([
    [
      "for another service",
      "vcc-services-ca",
      { names: { uri: ["spiffe://vcc.internal/pki/ca"] } },
      "NAME_NOT_ALLOWED",
    ],
    ["for a host", "vcc-services-ca", { names: { dns: ["ocsp.vcc.internal"] } }, "NAME_NOT_ALLOWED"],
    ["by another service", "vcc-services-ca", { caller: "tsa" }, "PROFILE_NOT_ALLOWED"],
    ["by another service, of no authority", "no-such-ca", { caller: "tsa" }, "PROFILE_NOT_ALLOWED"],
    ["of the root", "vcc-root-ca", {}, "PROFILE_NOT_ALLOWED"],
    ["of no authority", "no-such-ca", {}, "NOT_FOUND"],
    ["of none in particular", "", {}, "NOT_FOUND"],
    [
      "for longer than two weeks",
      "vcc-services-ca",
      { fields: { validitySeconds: 15 * 86_400 } },
      "VALIDITY_NOT_ALLOWED",
    ],
    ["in another tenant's name", "vcc-services-ca", { fields: { organisation: "brandenburg" } }, "NOT_FOUND"],
  ])("is refused %s", async (_, authorityId, request, expected) => {
    await expect(issueResponder(authorityId, request)).rejects.toThrow(code(expected));
  });

  it("is one for each request id", async () => {
    const fields = { requestId: randomUUID(), csrDer: suite.csr({}) };
    const first = await issueResponder("vcc-services-ca", { fields });
    expect(await issueResponder("vcc-services-ca", { fields })).toEqual(first);
    await expect(issueResponder("sachsen-ca", { fields })).rejects.toThrow(code("REQUEST_ID_REUSED"));
  });
});
