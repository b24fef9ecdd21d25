import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { type Clock, systemClock } from "@vcc-pki/time";
import {
  assembleSigned,
  authorityKeyIdentifier,
  basicConstraints,
  buildName,
  buildTbsCertificate,
  type Certificate,
  extendedKeyUsage,
  type GeneralNamesInput,
  keyUsage,
  type Name,
  OID,
  parseCertificate,
  pemEncode,
  sha1KeyIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
} from "@vcc-pki/x509";
import type { IdentityMaterial, IdentitySource } from "../src/index.ts";

/** What a test says about an identity's certificate; the defaults are those of a good one, valid for a day from an hour ago. */
export interface TestIdentityOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Dotted. Empty: no extendedKeyUsage at all. */
  readonly ekus?: readonly string[];
  /** In place of the one URI. */
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

export interface TestIdentity extends IdentitySource {
  /** The certificate in use. */
  readonly certificate: Certificate;
  /** Takes a new key and certificate, and tells the listeners. */
  renew(options?: TestIdentityOptions): void;
}

export interface TestIdentities {
  /** The root, as PEM. */
  readonly trustPem: string;
  /** A key and certificate of the platform CA for this SPIFFE URI. */
  forUri(uri: string, options?: TestIdentityOptions): TestIdentity;
  /** Certifies somebody's key, e.g. from a CSR. Leaf first, then the CA, as DER. */
  certify(spkiDer: Uint8Array, names: GeneralNamesInput, options?: TestIdentityOptions): Uint8Array[];
  /** Identities of a CA that nobody here trusts, though they trust this one. */
  readonly foreign: Pick<TestIdentities, "forUri">;
}

/** A root, a platform CA and as many suite identities as asked for: real certificates for real TLS, whose clock is the machine's. */
export function createTestIdentities({ clock = systemClock }: { readonly clock?: Clock } = {}): TestIdentities {
  const root = createRoot(clock, "Test Root CA");
  const foreignRoot = createRoot(clock, "Foreign Root CA");
  const trustPem = pemEncode("CERTIFICATE", root.certificate.der);
  const own = issuerOver(root, clock, trustPem);
  return { ...own, trustPem, foreign: issuerOver(foreignRoot, clock, trustPem) };
}

interface Authority {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
  readonly spkiDer: Uint8Array;
}

const HOUR_MS = 3_600_000;

function issuerOver(root: Authority, clock: Clock, trustPem: string): Pick<TestIdentities, "forUri" | "certify"> {
  const platform = createAuthority(clock, root, "Test Platform CA", true);

  const certify = (spkiDer: Uint8Array, names: GeneralNamesInput, options: TestIdentityOptions = {}) => {
    const { ekus = [OID.serverAuth, OID.clientAuth] } = options;
    const now = clock.now().getTime();
    const leafDer = issue(platform, {
      subject: buildName([]),
      spkiDer,
      notBefore: options.notBefore ?? new Date(now - HOUR_MS),
      notAfter: options.notAfter ?? new Date(now + 23 * HOUR_MS),
      extensions: [
        basicConstraints({ ca: false }),
        keyUsage(["digitalSignature"]),
        ...(ekus.length > 0 ? [extendedKeyUsage(ekus)] : []),
        subjectKeyIdentifier(sha1KeyIdentifier(spkiDer)),
        authorityKeyIdentifier(sha1KeyIdentifier(platform.spkiDer)),
        subjectAltName(names, true),
      ],
    });
    return [leafDer, platform.certificate.der];
  };

  const make = (
    uri: string,
    options: TestIdentityOptions,
  ): { certificate: Certificate; material: IdentityMaterial } => {
    const { privateKey, spkiDer } = newKey();
    const { uris = [uri], dns = [], ip = [] } = options;
    const chain = certify(spkiDer, { uri: uris, dns, ip }, options);
    return {
      certificate: parseCertificate(chain[0] as Uint8Array),
      material: {
        keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        chainPem: chain.map((der) => pemEncode("CERTIFICATE", der)).join(""),
        trustPem,
      },
    };
  };

  return {
    certify,
    forUri(uri, options = {}) {
      let made = make(uri, options);
      const listeners = new Set<() => void>();
      return {
        get certificate() {
          return made.certificate;
        },
        current: () => made.material,
        onChange(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        renew(renewed = options) {
          made = make(uri, renewed);
          for (const listener of listeners) listener();
        },
      };
    },
  };
}

function createRoot(clock: Clock, commonName: string): Authority {
  return createAuthority(clock, undefined, commonName, false);
}

function createAuthority(clock: Clock, issuer: Authority | undefined, commonName: string, lowest: boolean): Authority {
  const { privateKey, spkiDer } = newKey();
  const subject = buildName([["CN", commonName]]);
  const now = clock.now().getTime();
  const signer = issuer ?? { privateKey, spkiDer, certificate: { subject } };
  const der = issue(signer, {
    subject,
    spkiDer,
    notBefore: new Date(now - 48 * HOUR_MS),
    notAfter: new Date(now + 48 * HOUR_MS),
    extensions: [
      basicConstraints({ ca: true, pathLength: lowest ? 0 : undefined }),
      keyUsage(["keyCertSign", "cRLSign"]),
      subjectKeyIdentifier(sha1KeyIdentifier(spkiDer)),
      authorityKeyIdentifier(sha1KeyIdentifier(signer.spkiDer)),
    ],
  });
  return { certificate: parseCertificate(der), privateKey, spkiDer };
}

interface Issuer {
  readonly certificate: { readonly subject: Name };
  readonly privateKey: KeyObject;
}

interface IssueFields {
  readonly subject: Name;
  readonly spkiDer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Uint8Array[];
}

function issue(issuer: Issuer, fields: IssueFields): Uint8Array {
  const signatureAlgorithm = "ecdsa-p256-sha256";
  const serial = Uint8Array.from([0x01, ...randomBytes(15)]);
  const tbsDer = buildTbsCertificate({ ...fields, serial, signatureAlgorithm, issuer: issuer.certificate.subject });
  return assembleSigned(tbsDer, signatureAlgorithm, sign("sha256", tbsDer, issuer.privateKey));
}

function newKey(): { privateKey: KeyObject; spkiDer: Uint8Array } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey, spkiDer: new Uint8Array(publicKey.export({ type: "spki", format: "der" })) };
}
