import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import {
  type Certificate,
  type GeneralNamesInput,
  isSignedBy,
  lintTbsCertificate,
  OID,
  parseCertificate,
} from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, newCa, OPERATOR } from "./harness.ts";
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
  const { rootsDer } = await suite.as().authorities.getTrustBundle({});
  tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
});
afterAll(async () => {
  tool.close();
  await suite.close();
});

const ec = (namedCurve = "P-256") => generateKeyPairSync("ec", { namedCurve }).privateKey;
const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).privateKey;
const service = "spiffe://vcc.internal/org/brandenburg/service/clara";

async function issue(
  profile: string,
  names: GeneralNamesInput,
  { caller = "gateway", requester = OPERATOR, organisation = "brandenburg", authorityId = "", privateKey = ec() } = {},
) {
  const who = caller === "gateway" ? suite.as(caller, requester) : suite.as(caller);
  const csrDer = suite.csr(names, { privateKey });
  const { chainDer } = await who.certificates.issue({
    requestId: randomUUID(),
    organisation,
    profile,
    csrDer,
    authorityId,
    validitySeconds: 0,
  });
  return chainDer;
}

interface Expected {
  usages: string[];
  days: number;
  crl: boolean;
  ocsp: boolean;
  noRevAvail?: boolean;
}

const suiteUri = (name: string) => ({ uri: [`spiffe://vcc.internal/pki/${name}`] });
const asSuite = (name: string, authorityId = "") => ({ caller: name, organisation: "", authorityId });

/** What each shipped profile's certificates say. */
const PROFILES: [string, () => Promise<Uint8Array[]>, Expected][] = [
  [
    "vcc_service_template",
    () => issue("vcc_service_template", { dns: ["clara.vcc.internal"], uri: [service] }),
    { usages: [OID.serverAuth, OID.clientAuth], days: 730, crl: true, ocsp: true },
  ],
  [
    "clara_model_template",
    () => issue("clara_model_template", { dns: ["clara.vcc.internal"] }),
    { usages: [OID.codeSigning], days: 1825, crl: true, ocsp: true },
  ],
  [
    "mtls_service",
    () => issue("mtls_service", { dns: ["a.vcc.internal"], ip: ["10.1.0.1"] }),
    { usages: [OID.serverAuth, OID.clientAuth], days: 90, crl: true, ocsp: true },
  ],
  [
    "mtls_service_short",
    () => issue("mtls_service_short", { dns: ["a.vcc.internal"] }),
    { usages: [OID.serverAuth, OID.clientAuth], days: 1, crl: false, ocsp: false, noRevAvail: true },
  ],
  [
    "code_signing",
    () => issue("code_signing", { email: ["build@vcc.brandenburg.de"] }),
    { usages: [OID.codeSigning], days: 365, crl: true, ocsp: true },
  ],
  [
    "admin",
    () => issue("admin", { uri: ["spiffe://vcc.internal/org/brandenburg/admin/karin"] }),
    { usages: [OID.clientAuth], days: 90, crl: true, ocsp: true },
  ],
  [
    "external_integration",
    issueExternal,
    { usages: [OID.serverAuth, OID.clientAuth], days: 365, crl: true, ocsp: true },
  ],
  [
    "tsa_unit",
    () => issue("tsa_unit", suiteUri("tsa"), asSuite("tsa")),
    { usages: [OID.timeStamping], days: 2190, crl: true, ocsp: true },
  ],
  [
    "ocsp_responder",
    () => issue("ocsp_responder", suiteUri("ocsp"), asSuite("ocsp", "vcc-services-ca")),
    { usages: [OID.ocspSigning], days: 14, crl: false, ocsp: false },
  ],
  [
    "platform",
    () => issue("platform", suiteUri("audit"), asSuite("audit")),
    { usages: [OID.serverAuth, OID.clientAuth], days: 1, crl: false, ocsp: false, noRevAvail: true },
  ],
];

async function issueExternal(): Promise<Uint8Array[]> {
  const partner = { ...brandenburg, organisation: "sachsen", name: "Sachsen", allowedNames: ["*.sachsen.example"] };
  await suite
    .as()
    .organisations.create({ ...partner, requestId: randomUUID(), authorityIds: ["vcc-external-orgs-ca"] });
  const requester = "spiffe://vcc.internal/org/sachsen/admin/karl";
  await suite.as("gateway", requester).authorities.create({
    ...{
      requestId: randomUUID(),
      organisation: "",
      authorityId: "sachsen-ca",
      parentId: "vcc-external-orgs-ca",
      commonName: "Sachsen CA",
    },
    ...{
      keyAlgorithm: "ec-p256",
      validityDays: 0,
      profiles: ["external_integration"],
      mayIssueAuthorities: false,
      quorumThreshold: 0,
    },
    nameConstraints: { permittedDns: ["sachsen.example"], excludedDns: [] },
  });
  return issue("external_integration", { dns: ["a.sachsen.example"] }, { requester, organisation: "" });
}

describe.each(PROFILES)("profile %s", (profile, request, expected) => {
  let leaf: Certificate;
  let issuer: Certificate;

  it("issues what OpenSSL and our own lints accept", async () => {
    const [leafDer = new Uint8Array(), ...chain] = await request();
    leaf = parseCertificate(leafDer);
    issuer = parseCertificate(chain[0] ?? new Uint8Array());
    expect(lintTbsCertificate(leaf.tbsDer, issuer)).toEqual([]);
    expect(isSignedBy(leaf, issuer.spkiDer)).toBe(true);
    tool.pem("chain.pem", "CERTIFICATE", ...chain);
    const file = tool.pem("leaf.pem", "CERTIFICATE", leafDer);
    const seconds = String(Math.floor(suite.clock.now().getTime() / 1_000));
    expect(
      tool.run("verify", "-x509_strict", "-attime", seconds, "-CAfile", "root.pem", "-untrusted", "chain.pem", file),
    ).toContain("OK");
  });

  it("gives the usages, the life and the status information it promises", () => {
    expect(leaf.extendedKeyUsages).toEqual(expected.usages);
    expect(leaf.keyUsage).toEqual(["digitalSignature"]); // an EC key
    expect(leaf.isCa).toBe(false);
    expect(leaf.notAfter.getTime() - leaf.notBefore.getTime()).toBe(expected.days * 86_400_000 - 1_000);
    expect(leaf.notBefore.getTime()).toBe(suite.clock.now().getTime() - 300_000);
    expect(leaf.crlDistributionPoints.length > 0).toBe(expected.crl);
    expect(leaf.ocspUrls.length > 0).toBe(expected.ocsp);
    expect(leaf.known.noRevAvail ?? false).toBe(expected.noRevAvail ?? false);
    expect(leaf.known.ocspNoCheck ?? false).toBe(profile === "ocsp_responder");
    expect(leaf.caIssuerUrls).toHaveLength(1);
    expect(leaf.known.certificatePolicies?.[0]).toMatch(/^1\.3\.6\.1\.4\.1\.32473\.1\.\d+$/);
    expect(leaf.subjectAltNames.otherCount).toBe(0);
  });

  it("takes only names it is made for", async () => {
    const names = { email: ["a@example.org"], dns: ["nobody.example.org"] };
    await expect(issue(profile, names)).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(NAME|PROFILE)_NOT_ALLOWED$/) }),
    );
  });
});

describe("key usage follows the key", () => {
  it.each<[string, () => KeyObject, string[]]>([
    ["P-256", () => ec(), ["digitalSignature"]],
    ["P-384", () => ec("P-384"), ["digitalSignature"]],
    ["P-521", () => ec("P-521"), ["digitalSignature"]],
    ["brainpoolP256r1", () => ec("brainpoolP256r1"), ["digitalSignature"]],
    ["Ed25519", () => generateKeyPairSync("ed25519").privateKey, ["digitalSignature"]],
    ["RSA 3072", () => rsa(3072), ["digitalSignature", "keyEncipherment"]],
    ["RSA 4096", () => rsa(4096), ["digitalSignature", "keyEncipherment"]],
  ])("%s", async (_, key, expected) => {
    const [der = new Uint8Array()] = await issue("mtls_service", { dns: ["a.vcc.internal"] }, { privateKey: key() });
    expect(parseCertificate(der).keyUsage).toEqual(expected);
  });
});

describe("special extensions", () => {
  it("of a time-stamping unit: critical usage, and a private key that retires early", async () => {
    const [der = new Uint8Array()] = await issue("tsa_unit", suiteUri("tsa"), asSuite("tsa"));
    const unit = parseCertificate(der);
    expect(unit.extensions.find(({ oid }) => oid === OID.extKeyUsage)?.critical).toBe(true);
    const { notAfter } = unit.known.privateKeyUsagePeriod ?? {};
    expect(notAfter?.getTime()).toBe(unit.notBefore.getTime() + 365 * 86_400_000 - 1_000);
  });

  it("addresses name the authority and its shard", async () => {
    const [der = new Uint8Array()] = await issue("mtls_service", { dns: ["a.vcc.internal"] });
    const leaf = parseCertificate(der);
    expect(leaf.crlDistributionPoints).toEqual(["http://localhost:8081/crl/vcc-services-ca/0.crl"]);
    expect(leaf.ocspUrls).toEqual(["http://localhost:8081/ocsp/vcc-services-ca"]);
    expect(leaf.caIssuerUrls).toEqual(["http://localhost:8081/aia/vcc-services-ca.cer"]);
  });
});
