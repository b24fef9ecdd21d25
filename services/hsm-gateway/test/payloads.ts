import { generateKeyPairSync, randomBytes } from "node:crypto";
import {
  basicConstraints,
  buildCertificationRequestInfo,
  buildName,
  buildTbsCertificate,
  buildTbsCertList,
  constructedContext,
  crlNumber,
  encode,
  extendedKeyUsage,
  keyUsage,
  OID,
  sha1KeyIdentifier,
  subjectAltName,
  TAG,
  type TbsCertificateFields,
} from "@vcc-pki/x509";

export const ISSUER = buildName([
  ["O", "VCC"],
  ["CN", "Test Issuing CA"],
]);
export const ID_DATA = "1.2.840.113549.1.7.1";
export const ID_CT_TST_INFO = "1.2.840.113549.1.9.16.1.4";

const START = new Date("2026-11-01T00:00:00Z");

/** A SubjectPublicKeyInfo of nobody in particular. */
export function newSpki(): Uint8Array {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

export const SUBJECT_SPKI = newSpki();

type Overrides = Partial<TbsCertificateFields> & { validitySeconds?: number };

const fields = ({ validitySeconds = 86_400, ...overrides }: Overrides): TbsCertificateFields => ({
  serial: new Uint8Array([1, ...randomBytes(10)]),
  signatureAlgorithm: "ecdsa-p256-sha256",
  issuer: ISSUER,
  notBefore: START,
  notAfter: new Date(START.getTime() + (validitySeconds - 1) * 1_000),
  subject: buildName([["CN", "argus"]]),
  spkiDer: SUBJECT_SPKI,
  extensions: [],
  ...overrides,
});

/** tbsCertificate of an end entity: serverAuth, a day long, unless told otherwise. */
export const leafTbs = (overrides: Overrides & { extendedKeyUsages?: readonly string[] } = {}): Uint8Array => {
  const { extendedKeyUsages = [OID.serverAuth], ...rest } = overrides;
  return buildTbsCertificate(
    fields({
      extensions: [
        keyUsage(["digitalSignature"]),
        ...(extendedKeyUsages.length > 0 ? [extendedKeyUsage(extendedKeyUsages)] : []),
        subjectAltName({ dns: ["argus.vcc.internal"] }, false),
      ],
      ...rest,
    }),
  );
};

/** tbsCertificate of a CA. */
export const authorityTbs = (overrides: Overrides = {}): Uint8Array =>
  buildTbsCertificate(
    fields({
      subject: buildName([["CN", "Subordinate CA"]]),
      extensions: [basicConstraints({ ca: true }), keyUsage(["keyCertSign", "cRLSign"])],
      ...overrides,
    }),
  );

export const certList = (overrides: Partial<Parameters<typeof buildTbsCertList>[0]> = {}): Uint8Array =>
  buildTbsCertList({
    ...{
      signatureAlgorithm: "ecdsa-p256-sha256",
      issuer: ISSUER,
      thisUpdate: START,
      revoked: [],
      extensions: [crlNumber(1)],
    },
    nextUpdate: new Date(START.getTime() + 86_400_000),
    ...overrides,
  });

/** SET OF Attribute with contentType and messageDigest (RFC 5652 section 5.4). */
export const signedAttributes = (contentType: string, digestOctets = 32): Uint8Array =>
  encode((writer) => {
    writer.octetString(randomBytes(digestOctets));
    writer.wrap(TAG.SET, 0);
    writer.oid(OID.messageDigest);
    writer.wrap(TAG.SEQUENCE, 0);
    const end = writer.mark();
    writer.oid(contentType);
    writer.wrap(TAG.SET, end);
    writer.oid(OID.contentType);
    writer.wrap(TAG.SEQUENCE, end);
    writer.wrap(TAG.SET, 0);
  });

/** ResponseData with one "good" answer (RFC 6960 section 4.2.1); the responder is the key, or a name. */
export const responseData = (responder: Uint8Array | "by name"): Uint8Array =>
  encode((writer) => {
    writer.generalizedTime(START);
    writer.raw(new Uint8Array([0x80, 0x00]));
    const certId = writer.mark();
    writer.integer(4711);
    writer.octetString(new Uint8Array(32));
    writer.octetString(new Uint8Array(32));
    const algorithm = writer.mark();
    writer.oid("2.16.840.1.101.3.4.2.1");
    writer.wrap(TAG.SEQUENCE, algorithm);
    writer.wrap(TAG.SEQUENCE, certId);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.generalizedTime(START);
    const id = writer.mark();
    if (responder === "by name") writer.raw(ISSUER.der);
    else writer.octetString(sha1KeyIdentifier(responder));
    writer.wrap(constructedContext(responder === "by name" ? 1 : 2), id);
    writer.wrap(TAG.SEQUENCE, 0);
  });

export const pae = (body = "{}", type = "application/vnd.in-toto+json"): Uint8Array =>
  Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${Buffer.byteLength(body)} ${body}`);

export const checkpoint = (size = 1): Uint8Array =>
  Buffer.from(`vcc.internal/pki/audit\n${size}\n${randomBytes(32).toString("base64")}\n`);

export const requestInfo = (spkiDer: Uint8Array): Uint8Array =>
  buildCertificationRequestInfo({ subject: buildName([["CN", "responder"]]), spkiDer });
