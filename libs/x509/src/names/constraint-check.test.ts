import { describe, expect, it } from "vitest";
import { leafTbs, makeCa, type TestCa } from "../../test/authority.ts";
import { openssl } from "../../test/openssl.ts";
import {
  buildName,
  findConstraintViolation,
  type GeneralNames,
  type GeneralNamesInput,
  type NameConstraintsInput,
  type NameSubtrees,
  nameConstraints,
  onlyTheseNames,
  parseName,
  parseTbsCertificate,
  pemEncode,
  subjectAltName,
} from "../index.ts";

const root = makeCa("Root CA");
const NOBODY = buildName([]);
const ORGANISATION = buildName([
  ["C", "DE"],
  ["O", "VCC"],
]);
const member = buildName([
  ["C", "DE"],
  ["O", "VCC"],
  ["CN", "argus"],
]);

function constrained(constraints: NameConstraintsInput): TestCa {
  return makeCa("Constrained CA", { constraints: nameConstraints(constraints) }, root);
}

/** Whether OpenSSL and we find that the names keep to the issuer's constraints. */
function verdicts(issuer: TestCa, names: GeneralNamesInput, subject = NOBODY) {
  const extensions = { subjectAltName: subjectAltName(names, subject === NOBODY) };
  const tbs = parseTbsCertificate(leafTbs(issuer, { subject, extensions }));
  const { nameConstraints: constraints } = issuer.certificate.known;
  if (!constraints) throw new Error("the CA has no constraints");
  const ours = findConstraintViolation(constraints, tbs.subject, tbs.subjectAltNames) === undefined;
  return { openssl: opensslAccepts(issuer, tbs.tbsDer), ours };
}

function opensslAccepts(issuer: TestCa, tbsDer: Uint8Array): boolean {
  const files = {
    "root.pem": pemEncode("CERTIFICATE", root.certificate.der),
    "ca.pem": pemEncode("CERTIFICATE", issuer.certificate.der),
    "leaf.pem": pemEncode("CERTIFICATE", issuer.sign(tbsDer)),
  };
  const chain = ["-CAfile", "root.pem", "-untrusted", "ca.pem", "-attime", "1780000000", "leaf.pem"];
  try {
    return openssl(["verify", "-x509_strict", ...chain], files).includes("OK");
  } catch (error) {
    // Only a violation of constraints counts as refusal.
    if (!/subtree violation|unsupported/.test((error as { stdout: string }).stdout)) throw error;
    return false;
  }
}

const OK = { openssl: true, ours: true };
const REFUSED = { openssl: false, ours: false };

describe("onlyTheseNames", () => {
  const issuer = constrained(
    onlyTheseNames({ dns: ["vcc.internal"], uri: ["vcc.internal"], ip: ["10.0.0.0/8"], directory: [ORGANISATION] }),
  );
  const bare = constrained(onlyTheseNames({ dns: ["vcc.internal"] }));

  it("admits what is listed", () => {
    const names = {
      dns: ["argus.vcc.internal", "vcc.internal"],
      uri: ["spiffe://vcc.internal/pki/ca"],
      ip: ["10.1.2.3"],
    };
    expect(verdicts(issuer, names)).toEqual(OK);
    expect(verdicts(issuer, names, member)).toEqual(OK);
    expect(verdicts(bare, { dns: ["a.VCC.internal"] })).toEqual(OK);
  });

  it.each<[string, GeneralNamesInput]>([
    ["another DNS name", { dns: ["argus.vcc.local"] }],
    ["a DNS name that only ends alike", { dns: ["argus.evilvcc.internal"] }],
    ["one bad DNS name among good ones", { dns: ["argus.vcc.internal", "vcc.internal.example"] }],
    ["another trust domain", { uri: ["spiffe://vcc.local/pki/ca"] }],
    ["a host below the trust domain", { uri: ["spiffe://a.vcc.internal/pki/ca"] }],
    ["another IP address", { ip: ["11.0.0.1"] }],
    ["an IPv6 address", { ip: ["2001:db8::1"] }],
    ["a mailbox", { email: ["a@vcc.internal"] }],
    ["a directory name", { directory: [buildName([["CN", "x"]])] }],
  ])("shuts out %s", (_, names) => expect(verdicts(issuer, names)).toEqual(REFUSED));

  it("shuts out subjects outside the listed ones, and every subject when none is listed", () => {
    const dns = ["argus.vcc.internal"];
    expect(verdicts(issuer, { dns }, buildName([["CN", dns[0] ?? ""]]))).toEqual(REFUSED);
    expect(verdicts(bare, { dns }, member)).toEqual(REFUSED);
  });
});

describe("name constraints", () => {
  const issuer = constrained({
    permitted: {
      email: ["a@vcc.de", "mail.vcc.de", ".sub.vcc.de"],
      uri: [".vcc.de"],
      ip: ["192.0.2.128/25", "2001:db8::/33"],
    },
    excluded: { dns: ["secret.vcc.de"], ip: ["192.0.2.200/32"], uri: ["bad.vcc.de"] },
  });

  it.each<[string, GeneralNamesInput, typeof OK]>([
    ["a DNS name beside the excluded one", { dns: ["open.vcc.de"] }, OK],
    ["the excluded DNS name", { dns: ["secret.vcc.de"] }, REFUSED],
    ["a DNS name below the excluded one", { dns: ["a.SECRET.vcc.de"] }, REFUSED],
    ["the permitted mailbox", { email: ["a@vcc.de"] }, OK],
    ["another mailbox of its host", { email: ["b@vcc.de"] }, REFUSED],
    ["a mailbox on the permitted host", { email: ["b@MAIL.vcc.de"] }, OK],
    ["a mailbox on a host below it", { email: ["b@x.mail.vcc.de"] }, REFUSED],
    ["a mailbox below the permitted suffix", { email: ["b@x.sub.vcc.de"] }, OK],
    ["a mailbox at the suffix itself", { email: ["b@sub.vcc.de"] }, REFUSED],
    ["a host below the permitted suffix", { uri: ["https://a.vcc.de:8443/x"] }, OK],
    ["the suffix itself as host", { uri: ["https://vcc.de/"] }, REFUSED],
    ["the excluded host", { uri: ["https://bad.vcc.de/"] }, REFUSED],
    ["a URI without host", { uri: ["urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"] }, REFUSED],
    ["an address in the range", { ip: ["192.0.2.129"] }, OK],
    ["an address below the range", { ip: ["192.0.2.127"] }, REFUSED],
    ["the excluded address", { ip: ["192.0.2.200"] }, REFUSED],
    ["an IPv6 address in the range", { ip: ["2001:db8:7fff::1"] }, OK],
    ["an IPv6 address beyond the range", { ip: ["2001:db8:8000::1"] }, REFUSED],
  ])("%s", (_, names, expected) => expect(verdicts(issuer, names)).toEqual(expected));

  it("a wildcard that covers an excluded name is refused, which OpenSSL does not see", () => {
    expect(verdicts(issuer, { dns: ["*.vcc.de"] })).toEqual({ openssl: true, ours: false });
    expect(verdicts(issuer, { dns: ["*.open.vcc.de"] })).toEqual(OK);
  });

  it("a URI whose host is an IP address is refused where hosts are excluded, which OpenSSL does not see", () => {
    const excluding = constrained({ excluded: { uri: ["bad.vcc.de"] } });
    expect(verdicts(excluding, { uri: ["https://192.0.2.1/"] })).toEqual({ openssl: true, ours: false });
    expect(verdicts(excluding, { uri: ["https://good.vcc.de/"] })).toEqual(OK);
  });

  it("an excluded subject is told by its text, whatever its string type", () => {
    const printable = parseName(new Uint8Array(Buffer.from("300e310c300a060355040a1303564343", "hex"))); // O=VCC
    const excluding = constrained({ excluded: { directory: [printable] } });
    const names = { dns: ["open.vcc.de"] };
    expect(verdicts(excluding, names, buildName([["O", "vcc"]]))).toEqual(REFUSED);
    expect(verdicts(excluding, names, buildName([["O", "VCD"]]))).toEqual(OK);
  });

  it("an e-mail address in the subject counts", () => {
    const subject = buildName([["emailAddress", "b@vcc.de"]]);
    expect(verdicts(issuer, { dns: ["open.vcc.de"] }, subject)).toEqual(REFUSED);
  });
});

describe("constraints that cannot be read", () => {
  const NOTHING: NameSubtrees = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };
  const names = { dns: ["a.vcc.de"], ip: ["10.0.0.1"], uri: ["https://a.vcc.de/"], email: ["a@vcc.de"] };
  const violation = (permitted: Partial<NameSubtrees>, excluded: Partial<NameSubtrees>, own: Partial<GeneralNames>) =>
    findConstraintViolation(
      { permitted: { ...NOTHING, ...permitted }, excluded: { ...NOTHING, ...excluded } },
      NOBODY,
      { ...NOTHING, ...own },
    );

  it.each<[keyof typeof names, string]>([
    ["dns", ".vcc.com"],
    ["dns", "*.vcc.com"],
    ["ip", "11.0.0.1/8"],
    ["uri", "https://vcc.com/"],
    ["uri", "192.0.2.1"],
    ["email", "@vcc.com"],
    ["email", ""],
  ])("forbid every name of their form, %s: %s", (form, base) => {
    expect(violation({}, { [form]: [base] }, { [form]: names[form] })).toContain(form);
    const { [form]: _, ...others } = names;
    expect(violation({}, { [form]: [base] }, others)).toBeUndefined();
  });

  it("because there are too many, forbid every name", () => {
    const own = { dns: Array.from({ length: 500 }, (_, i) => `a${i}.vcc.de`) };
    const excluded = (count: number) => ({ dns: Array.from({ length: count }, (_, i) => `b${i}.vcc.de`) });
    expect(violation({}, excluded(500), own)).toBeUndefined();
    expect(violation({}, excluded(501), own)).toBe("more names than we compare");
  });
});
