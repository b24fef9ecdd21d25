import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Clock } from "@vcc-pki/time";
import {
  assembleSigned,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  buildTbsCertificate,
  type Certificate,
  defaultSignatureAlgorithm,
  extendedKeyUsage,
  type GeneralNamesInput,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  keyUsage,
  type Name,
  OID,
  parseCertificate,
  pemEncode,
  SIGNATURE_ALGORITHMS,
  sha1KeyIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
} from "@vcc-pki/x509";
import { fakeClock } from "./clock.ts";

const DAY_MS = 86_400_000;

export interface TestKeyPair {
  readonly keyAlgorithm: KeyAlgorithmId;
  readonly privateKey: KeyObject;
  readonly spkiDer: Uint8Array;
}

/** A key in this process's memory. */
export function generateTestKey(keyAlgorithm: KeyAlgorithmId = "ec-p256"): TestKeyPair {
  const row = KEY_ALGORITHMS[keyAlgorithm];
  const { privateKey, publicKey } =
    row.type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: row.namedCurve })
      : row.type === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: row.bits })
        : generateKeyPairSync("ed25519");
  return { keyAlgorithm, privateKey, spkiDer: new Uint8Array(publicKey.export({ type: "spki", format: "der" })) };
}

/** What a test says about a certificate; everything has a default that passes the lints. */
export interface TestCertificateOptions {
  /** Default: the empty name. */
  readonly subject?: Name;
  /** Default: the DNS name test.vcc.internal. */
  readonly subjectAltNames?: GeneralNamesInput;
  /** Dotted. Default: serverAuth and clientAuth. */
  readonly extendedKeyUsages?: readonly string[];
  /** Default: an hour ago by the clock. */
  readonly notBefore?: Date;
  /** Default: in ninety days by the clock. */
  readonly notAfter?: Date;
  /** Default: a fresh key of the hierarchy's algorithm. */
  readonly key?: TestKeyPair;
  /** DER of further Extensions. */
  readonly extensions?: readonly Uint8Array[];
}

export interface IssuedTestCertificate extends TestKeyPair {
  readonly certificate: Certificate;
  /** PKCS#8. */
  readonly keyPem: string;
  /** The certificate and its issuers, without the root. */
  readonly chainPem: string;
}

export interface TestAuthority extends TestKeyPair {
  readonly certificate: Certificate;
  /** Signs any structure: returns the Certificate, CertificateList or CertificationRequest. */
  sign(tbsDer: Uint8Array): Uint8Array;
  issue(options?: TestCertificateOptions): IssuedTestCertificate;
  /** A CA below this one. */
  issueAuthority(commonName: string, pathLength?: number): TestAuthority;
}

export interface TestHierarchy {
  readonly root: TestAuthority;
  readonly issuing: TestAuthority;
  /** The root alone. */
  readonly trustPem: string;
  /** Issues from the issuing CA. */
  issue(options?: TestCertificateOptions): IssuedTestCertificate;
}

/** A root, an issuing CA below it and as many end entities as asked for: real certificates, keys in memory. */
export function createTestHierarchy({
  clock = fakeClock(),
  keyAlgorithm = "ec-p256",
}: {
  readonly clock?: Clock;
  readonly keyAlgorithm?: KeyAlgorithmId;
} = {}): TestHierarchy {
  const root = authority({ clock, key: generateTestKey(keyAlgorithm), commonName: "Test Root CA", parents: [] });
  const issuing = root.issueAuthority("Test Issuing CA", 0);
  const trustPem = pemEncode("CERTIFICATE", root.certificate.der);
  return { root, issuing, trustPem, issue: (options) => issuing.issue(options) };
}

interface AuthorityFields {
  readonly clock: Clock;
  readonly key: TestKeyPair;
  readonly commonName: string;
  readonly pathLength?: number;
  /** From the direct issuer up to the root. */
  readonly parents: readonly TestAuthority[];
}

function authority({ clock, key, commonName, pathLength, parents }: AuthorityFields): TestAuthority {
  const [issuer] = parents;
  const signatureAlgorithm = defaultSignatureAlgorithm(key.keyAlgorithm);
  const signWithOwnKey = (tbsDer: Uint8Array): Uint8Array =>
    assembleSigned(
      tbsDer,
      signatureAlgorithm,
      sign(SIGNATURE_ALGORITHMS[signatureAlgorithm].hash, tbsDer, key.privateKey),
    );

  const subject = buildName([
    ["O", "VCC Test"],
    ["CN", commonName],
  ]);
  const tbsDer = buildTbsCertificate({
    serial: testSerial(),
    signatureAlgorithm: issuer ? defaultSignatureAlgorithm(issuer.keyAlgorithm) : signatureAlgorithm,
    issuer: issuer?.certificate.subject ?? subject,
    notBefore: issuer?.certificate.notBefore ?? new Date(clock.now().getTime() - DAY_MS),
    notAfter: issuer?.certificate.notAfter ?? new Date(clock.now().getTime() + 3650 * DAY_MS),
    subject,
    spkiDer: key.spkiDer,
    extensions: [
      basicConstraints({ ca: true, pathLength }),
      keyUsage(["keyCertSign", "cRLSign"]),
      subjectKeyIdentifier(sha1KeyIdentifier(key.spkiDer)),
      authorityKeyIdentifier(sha1KeyIdentifier(issuer?.spkiDer ?? key.spkiDer)),
    ],
  });
  const certificate = parseCertificate((issuer?.sign ?? signWithOwnKey)(tbsDer));

  const self: TestAuthority = {
    ...key,
    certificate,
    sign: signWithOwnKey,
    issue(options = {}) {
      const leafKey = options.key ?? generateTestKey(key.keyAlgorithm);
      const leaf = parseCertificate(
        signWithOwnKey(
          buildTbsCertificate({
            serial: testSerial(),
            signatureAlgorithm,
            issuer: certificate.subject,
            notBefore: options.notBefore ?? new Date(clock.now().getTime() - 3_600_000),
            notAfter: options.notAfter ?? new Date(clock.now().getTime() + 90 * DAY_MS),
            subject: options.subject ?? buildName([]),
            spkiDer: leafKey.spkiDer,
            extensions: leafExtensions(options, leafKey, key),
          }),
        ),
      );
      const intermediates = [self, ...parents].slice(0, -1).map((issuing) => issuing.certificate);
      return {
        ...leafKey,
        certificate: leaf,
        keyPem: leafKey.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        chainPem: [leaf, ...intermediates].map(({ der }) => pemEncode("CERTIFICATE", der)).join(""),
      };
    },
    issueAuthority: (name, length) =>
      authority({
        clock,
        key: generateTestKey(key.keyAlgorithm),
        commonName: name,
        pathLength: length,
        parents: [self, ...parents],
      }),
  };
  return self;
}

function leafExtensions(options: TestCertificateOptions, leafKey: TestKeyPair, issuerKey: TestKeyPair): Uint8Array[] {
  const {
    subject,
    subjectAltNames = { dns: ["test.vcc.internal"] },
    extendedKeyUsages = [OID.serverAuth, OID.clientAuth],
    extensions = [],
  } = options;
  return [
    basicConstraints({ ca: false }),
    keyUsage(["digitalSignature"]),
    ...(extendedKeyUsages.length > 0 ? [extendedKeyUsage(extendedKeyUsages)] : []),
    subjectKeyIdentifier(sha1KeyIdentifier(leafKey.spkiDer)),
    authorityKeyIdentifier(sha1KeyIdentifier(issuerKey.spkiDer)),
    subjectAltName(subjectAltNames, (subject?.rdns.length ?? 0) === 0),
    ...extensions,
  ];
}

/** 16 octets, positive. */
function testSerial(): Uint8Array {
  return Uint8Array.from([0x01, ...randomBytes(15)]);
}
