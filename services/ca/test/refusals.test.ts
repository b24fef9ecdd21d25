import { generateKeyPairSync, hash, type KeyObject, randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  basicConstraints,
  buildName,
  type GeneralNamesInput,
  OID,
  parseCertificate,
  parseCertificationRequest,
  subjectAltName,
} from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  attribute,
  type CsrParts,
  craftCsr,
  extensionRequest,
  modulusOf,
  NAMES,
  offCurve,
  rawDnsName,
  rocaModulus,
  rsaSpki,
  sanAttribute,
  spkiOf,
} from "./craft-csr.ts";
import { type CaHarness, newCa } from "./harness.ts";

const blocked = generateKeyPairSync("rsa", { modulusLength: 3072 });
const keyBlocklistFile = join(tmpdir(), `vcc-blocklist-${process.pid}`);
const modulusHex = modulusOf(blocked.publicKey).toString(16).toUpperCase();
writeFileSync(
  keyBlocklistFile,
  `# format of openssl-blacklist\n${hash("sha1", `Modulus=${modulusHex}\n`).slice(20)}\n`,
);

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa({ config: { keyBlocklistFile } });
});
afterAll(async () => {
  rmSync(keyBlocklistFile);
  await suite.close();
});

const key = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
/** A request that is right in all but its key. */
const signedBy = (signer: KeyObject) =>
  signer.asymmetricKeyType === "rsa"
    ? craftCsr({ signer, spkiDer: spkiOf(signer) })
    : suite.csr(NAMES, { privateKey: signer });

/** What the database holds besides audit records. */
const stored = () =>
  ["requests", "issuance_intents", "certificates", "certificate_names", "certified_keys", "outbox"].map((table) =>
    suite.store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
  );

async function expectRefusal(request: Parameters<CaHarness["issue"]>[0], code: string): Promise<void> {
  const before = stored();
  const { sequence } = suite.store.audit.head();
  const error = await suite.issue(request).then(
    () => expect.fail("it was issued"),
    (refusal) => refusal,
  );
  expect(error.code).toBe(code);
  expect(error.message).not.toMatch(/\bat .*:\d+|node_modules/);
  expect(stored()).toEqual(before);
  const records = suite.store.audit.read(sequence, 10);
  expect(records).toMatchObject([{ action: "certificate.issue", outcome: "refused", code }]);
}

describe("a request that cannot be read", () => {
  it.each<[string, () => Uint8Array]>([
    ["garbage", () => randomBytes(200)],
    ["nothing", () => new Uint8Array()],
    ["a truncated one", () => suite.csr(NAMES).subarray(0, -1)],
    ["one with a trailing octet", () => Buffer.concat([suite.csr(NAMES), Buffer.of(0)])],
    [
      "more than 64 KiB",
      () => suite.csr({ dns: Array.from({ length: 4_000 }, (_, i) => `service-${i}.vcc.internal`) }),
    ],
    ["10,000 names", () => suite.csr({ dns: Array.from({ length: 10_000 }, (_, i) => `s${i}.vcc.internal`) })],
    [
      "a NUL in a name",
      () => craftCsr({ attributes: [extensionRequest(rawDnsName(Buffer.from("argus.vcc.internal\0.evil.example")))] }),
    ],
  ])("is refused: %s", async (what, csr) => {
    await expectRefusal({ csrDer: csr() }, what === "a NUL in a name" ? "NAME_MALFORMED" : "CSR_MALFORMED");
  });
});

describe("proof of possession", () => {
  it("is refused when another key signed", async () => {
    await expectRefusal({ csrDer: craftCsr({ signer: key().privateKey }) }, "CSR_SIGNATURE_INVALID");
  });

  it("is refused when a bit of the request changed", async () => {
    const csrDer = Buffer.from(suite.csr({ dns: ["brgus.vcc.internal"] }));
    csrDer[csrDer.indexOf("brgus")] = "c".charCodeAt(0);
    expect(parseCertificationRequest(csrDer).subjectAltNames.dns).toEqual(["crgus.vcc.internal"]);
    await expectRefusal({ csrDer }, "CSR_SIGNATURE_INVALID");
  });
});

describe("a key", () => {
  const rsa = (options: { modulusLength: number; publicExponent?: number }) =>
    generateKeyPairSync("rsa", options).privateKey;
  const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;

  it.each<[string, () => Uint8Array, string]>([
    ["RSA below 3072 bits", () => signedBy(rsa({ modulusLength: 2048 })), "KEY_WEAK"],
    ["RSA with exponent 3", () => signedBy(rsa({ modulusLength: 3072, publicExponent: 3 })), "KEY_WEAK"],
    [
      "RSA with an even exponent",
      () => craftCsr({ spkiDer: rsaSpki(modulusOf(blocked.publicKey), 65_538) }),
      "KEY_WEAK",
    ],
    ["RSA of Debian's broken generator", () => signedBy(blocked.privateKey), "KEY_WEAK"],
    ["P-192", () => craftCsr({ spkiDer: spkiOf(ec("prime192v1")) }), "KEY_WEAK"],
    ["a point off its curve", () => craftCsr({ spkiDer: offCurve() }), "KEY_WEAK"],
    ["secp256k1", () => craftCsr({ spkiDer: spkiOf(ec("secp256k1")) }), "KEY_NOT_ALLOWED"],
    ["an RSA modulus with the mark of ROCA", () => craftCsr({ spkiDer: rsaSpki(rocaModulus(), 65_537) }), "KEY_WEAK"],
    ["a kind the profile does not admit", () => signedBy(ec("brainpoolP256r1")), "KEY_NOT_ALLOWED"],
  ])("is refused: %s", async (what, csr, code) => {
    const profile = what.startsWith("a kind") ? "vcc_service_template" : "mtls_service";
    await expectRefusal({ csrDer: csr(), profile }, code);
  });

  it("of one of our own authorities is refused", async () => {
    const { authorities } = await suite.as().authorities.list({ organisation: "vcc" });
    const services = authorities.find(({ authorityId }) => authorityId === "vcc-services-ca");
    const { spkiDer } = parseCertificate(services?.certificateDer ?? new Uint8Array());
    await expectRefusal({ csrDer: craftCsr({ spkiDer }) }, "CSR_SIGNATURE_INVALID"); // nobody else can sign with it
  });
});

describe("names", () => {
  it.each<[string, GeneralNamesInput, string]>([
    ["outside the organisation", { dns: ["argus.example.org"] }, "NAME_NOT_ALLOWED"],
    ["with a suffix that only looks like it", { dns: ["argus.evilvcc.internal"] }, "NAME_NOT_ALLOWED"],
    ["a wildcard", { dns: ["*.vcc.internal"] }, "NAME_NOT_ALLOWED"],
    ["an IP address as DNS name", { dns: ["10.1.2.3"] }, "NAME_MALFORMED"],
    ["a trailing dot", { dns: ["argus.vcc.internal."] }, "NAME_MALFORMED"],
    ["a homograph", { dns: ["xn--80ak6aa92e.vcc.internal"] }, "NAME_MALFORMED"],
    ["an honest xn-- label", { dns: ["xn--mnchen-3ya.vcc.internal"] }, "NAME_NOT_ALLOWED"],
    ["2,000 of them", { dns: Array.from({ length: 2_000 }, (_, i) => `s${i}.vcc.internal`) }, "NAME_NOT_ALLOWED"],
    ["the same one twice", { dns: ["argus.vcc.internal", "argus.vcc.internal"] }, "NAME_MALFORMED"],
    ["an address outside the networks", { dns: ["argus.vcc.internal"], ip: ["10.2.0.1"] }, "NAME_NOT_ALLOWED"],
    [
      "an e-mail address where none belongs",
      { dns: ["argus.vcc.internal"], email: ["a@vcc.internal"] },
      "NAME_NOT_ALLOWED",
    ],
    [
      "another organisation's SPIFFE id",
      { uri: ["spiffe://vcc.internal/org/bayern/service/argus"] },
      "NAME_NOT_ALLOWED",
    ],
    ["the suite's SPIFFE id", { uri: ["spiffe://vcc.internal/pki/ca"] }, "NAME_NOT_ALLOWED"],
    ["an administrator's SPIFFE id", { uri: ["spiffe://vcc.internal/org/brandenburg/admin/eve"] }, "NAME_NOT_ALLOWED"],
    [
      "two SPIFFE ids",
      { uri: ["a", "b"].map((name) => `spiffe://vcc.internal/org/brandenburg/service/${name}`) },
      "NAME_NOT_ALLOWED",
    ],
    ["a directory name", { dns: ["argus.vcc.internal"], directory: [buildName([["CN", "x"]])] }, "NAME_NOT_ALLOWED"],
  ])("are refused: %s", async (_, names, code) => {
    await expectRefusal({ names }, code);
  });

  it("are refused when there are none", async () => {
    await expectRefusal({ csrDer: craftCsr({ attributes: [] }) }, "NAME_NOT_ALLOWED");
  });
});

describe("anything but a key and names", () => {
  const subject = (...attributes: Parameters<typeof buildName>[0]) => buildName(attributes).der;
  const keyUsageExtension = () => basicConstraints({ ca: true });

  it.each<[string, CsrParts, string]>([
    [
      "a challenge password",
      { attributes: [sanAttribute(NAMES), attribute(OID.challengePassword, Buffer.from("0c0470617373", "hex"))] },
      "CSR_CONTENT_NOT_ALLOWED",
    ],
    [
      "basicConstraints",
      { attributes: [extensionRequest(subjectAltName(NAMES), keyUsageExtension())] },
      "CSR_CONTENT_NOT_ALLOWED",
    ],
    [
      "an organisation in the subject",
      { subject: subject(["O", "Bayern"], ["CN", "argus.vcc.internal"]) },
      "CSR_CONTENT_NOT_ALLOWED",
    ],
    [
      "two common names",
      { subject: subject(["CN", "argus.vcc.internal"], ["CN", "clara.vcc.internal"]) },
      "CSR_CONTENT_NOT_ALLOWED",
    ],
    ["a common name that is no name", { subject: subject(["CN", "clara.vcc.internal"]) }, "NAME_NOT_ALLOWED"],
  ])("is refused, not ignored: %s", async (_, parts, code) => {
    await expectRefusal({ csrDer: craftCsr(parts) }, code);
  });
});

describe("profile and authority", () => {
  it.each<[string, object, string]>([
    ["an unknown profile", { profile: "no_such_profile" }, "PROFILE_UNKNOWN"],
    ["a profile of the suite", { profile: "platform" }, "PROFILE_NOT_ALLOWED"],
    ["a profile without authority here", { profile: "external_integration" }, "PROFILE_NOT_ALLOWED"],
    ["an unknown authority", { authorityId: "no-such-ca" }, "NOT_FOUND"],
    ["an authority above the one it uses", { authorityId: "vcc-root-ca" }, "PROFILE_NOT_ALLOWED"],
    ["an authority that issues something else", { authorityId: "vcc-platform-ca" }, "PROFILE_NOT_ALLOWED"],
    ["an unknown organisation", { organisation: "nowhere" }, "NOT_FOUND"],
  ])("are refused: %s", async (_, fields, code) => {
    await expectRefusal(fields, code);
  });
});
