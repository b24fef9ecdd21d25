import { hash } from "node:crypto";
import { SIGNATURE_SCHEMES, type SignatureScheme, signatureSchemeOf } from "../algorithms.ts";
import { type Certificate, readSerial } from "../certificate.ts";
import { equalBytes } from "../der/bytes.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import { algorithmIdentifier, type HashAlgorithm, hashAlgorithmOf } from "../hash-algorithms.ts";
import { readGeneralNames } from "../names/general-names.ts";
import { OID } from "../oids.ts";
import { verifySignature } from "../signature.ts";
import { readAlgorithmIdentifier } from "../signed.ts";
import type { NamedCheck } from "./check.ts";
import { parseSignedAttributes, type SignedAttributes } from "./signed-attributes.ts";
import type { SignedData, SignerInfo } from "./signed-data.ts";

/** A signature in a CMS message, and the certificate that every check is made with: resolved once (see `findSigner`). */
export interface CmsSignature {
  readonly signedData: SignedData;
  readonly signerInfo: SignerInfo;
  readonly signer: Certificate;
  /** Digest of what was signed: eContent, or what the message is detached from. Throws when it is not known under this hash. */
  readonly contentDigest: (algorithm: HashAlgorithm) => Uint8Array;
}

/** The same, with what several checks are about. */
export interface SignedBy extends CmsSignature {
  /** Parsed when first asked for. Throws DER_MALFORMED. */
  readonly attributes: () => SignedAttributes;
}

export function signedBy(signature: CmsSignature): SignedBy {
  const { signedAttributesDer } = signature.signerInfo;
  let known: SignedAttributes | undefined;
  const attributes = (): SignedAttributes => {
    if (signedAttributesDer === undefined) throw malformed("there are no signed attributes");
    known ??= parseSignedAttributes(signedAttributesDer);
    return known;
  };
  return { ...signature, attributes };
}

/** The certificate that the signer identifier names, among these. The names in it prove nothing; that there are two to choose from is a
 *  reason to refuse. Throws DER_MALFORMED. */
export function findSigner({ sid }: SignerInfo, certificates: readonly Certificate[]): Certificate {
  const isNamed = (certificate: Certificate): boolean =>
    "issuer" in sid
      ? equalBytes(certificate.issuer.der, sid.issuer.der) && equalBytes(certificate.serial, sid.serial)
      : certificate.subjectKeyIdentifier !== undefined &&
        equalBytes(certificate.subjectKeyIdentifier, sid.subjectKeyIdentifier);
  const [signer, ...others] = certificates.filter(isNamed);
  if (signer === undefined) throw malformed("the signer's certificate is not there");
  if (others.some(({ der }) => !equalBytes(der, signer.der))) throw malformed("two certificates may be the signer's");
  return signer;
}

/** What makes a CMS signature one by this signer over this content: all of it has to hold (RFC 5652 sections 5.3 to 5.6). A signature
 *  without signed attributes is not accepted: its octets could be read as attributes, and attributes as its content. */
export const SIGNER_CHECKS: readonly NamedCheck<SignedBy>[] = [
  ["versions", findWrongVersion],
  [
    "signed-attributes",
    ({ attributes }) => {
      attributes();
      return undefined;
    },
  ],
  [
    "content-type",
    ({ signedData, attributes }) =>
      attributes().contentType === signedData.contentType ? undefined : "the content is of another type",
  ],
  ["digest-algorithm", findWrongDigestAlgorithm],
  [
    "message-digest",
    ({ signerInfo, contentDigest, attributes }) => {
      const digest = contentDigest(digestAlgorithmOf(signerInfo));
      return equalBytes(attributes().messageDigest, digest) ? undefined : "the content has another digest";
    },
  ],
  [
    "signature",
    ({ signerInfo, signer }) => {
      const { signedAttributesDer = new Uint8Array(), signature } = signerInfo;
      const isBySigner = verifySignature(signer.spkiDer, schemeOf(signerInfo), signedAttributesDer, signature);
      return isBySigner && signedAttributesDer.length > 0 ? undefined : "it is not by this key over these attributes";
    },
  ],
  ["signing-certificate", findOtherSigningCertificate],
  ["algorithm-protection", findOtherAlgorithms],
];

/** SignedData is of version 3 for all but id-data and when a signer is named by its key; SignerInfo is of version 3 then, else 1
 *  (RFC 5652 sections 5.1 and 5.3). */
function findWrongVersion({ signedData, signerInfo }: SignedBy): string | undefined {
  const byKey = "subjectKeyIdentifier" in signerInfo.sid;
  if (signerInfo.version !== (byKey ? 3 : 1)) return `SignerInfo is of version ${signerInfo.version}`;
  const isThree = signedData.contentType !== OID.data || signedData.signerInfos.some(({ version }) => version === 3);
  return signedData.version === (isThree ? 3 : 1) ? undefined : `SignedData is of version ${signedData.version}`;
}

/** The digest's algorithm is named in front, and it is the signature's own (RFC 8933 section 3). */
function findWrongDigestAlgorithm({ signedData, signerInfo }: SignedBy): string | undefined {
  const digestAlgorithm = digestAlgorithmOf(signerInfo);
  const isNamed = signedData.digestAlgorithmDers.some((der) => hashAlgorithmOf(der) === digestAlgorithm);
  if (!isNamed) return "it is not among those of the message";
  const signatureHash = SIGNATURE_SCHEMES[schemeOf(signerInfo)].hash ?? "sha512"; // Ed25519: RFC 8419 section 3.1
  return signatureHash === digestAlgorithm
    ? undefined
    : `${digestAlgorithm} goes with a signature over ${signatureHash}`;
}

/** ESSCertIDv2 (RFC 5035 section 3) or ESSCertID (RFC 2634 section 5.4.1): the hash of the certificate that is to be used. The first is the
 *  signer's; those behind it are left to path validation. */
function findOtherSigningCertificate({ signerInfo, signer }: SignedBy): string | undefined {
  const v2 = attributeValue(signerInfo, OID.signingCertificateV2);
  const v1 = attributeValue(signerInfo, OID.signingCertificate);
  if (v2 === undefined && v1 === undefined) return "it is not named under the signature";
  const isOther =
    (v2 !== undefined && !isOf(signer, v2, readHashAlgorithm)) || (v1 !== undefined && !isOf(signer, v1, () => "sha1"));
  return isOther ? "another certificate is named under the signature" : undefined;
}

/** SigningCertificate(V2) ::= SEQUENCE { certs SEQUENCE OF ESSCertID(v2), policies OPTIONAL };
 *  ESSCertID(v2) ::= SEQUENCE { [v2: hashAlgorithm DEFAULT sha256,] certHash OCTET STRING, issuerSerial OPTIONAL } */
function isOf(signer: Certificate, value: Uint8Array, readHash: (id: DerReader) => HashAlgorithm | "sha1"): boolean {
  return DerReader.whole(value, TAG.SEQUENCE, (attribute) => {
    const ids = attribute.listOf(TAG.SEQUENCE, (certs) => certs.element(TAG.SEQUENCE));
    if (!attribute.atEnd) attribute.skipChecked();
    return DerReader.whole(ids[0] as Uint8Array, TAG.SEQUENCE, (id) => {
      const algorithm = readHash(id);
      const hasHash = equalBytes(id.octetString(), hash(algorithm, signer.der, "buffer"));
      const named = id.optional(TAG.SEQUENCE, (issuerSerial) => ({
        issuers: readGeneralNames(issuerSerial).directory,
        serial: readSerial(issuerSerial),
      }));
      const isNamed =
        named === undefined ||
        (equalBytes(named.serial, signer.serial) &&
          named.issuers.some(({ der }) => equalBytes(der, signer.issuer.der)));
      return hasHash && isNamed;
    });
  });
}

function readHashAlgorithm(id: DerReader): HashAlgorithm {
  if (!id.nextIs(TAG.SEQUENCE)) return "sha256";
  return knownHash(readAlgorithmIdentifier(id));
}

/** CMSAlgorithmProtection, where it is there, names the algorithms that the SignerInfo names (RFC 6211 section 4). */
function findOtherAlgorithms({ signerInfo }: SignedBy): string | undefined {
  const value = attributeValue(signerInfo, OID.cmsAlgorithmProtection);
  if (value === undefined) return undefined;
  const isSame = DerReader.whole(value, TAG.SEQUENCE, (reader) => {
    const digestAlgorithmDer = readAlgorithmIdentifier(reader);
    const signatureAlgorithmDer = reader.element(constructedContext(1)).with(0, TAG.SEQUENCE);
    return (
      equalBytes(digestAlgorithmDer, signerInfo.digestAlgorithmDer) &&
      equalBytes(signatureAlgorithmDer, signerInfo.signatureAlgorithmDer)
    );
  });
  return isSame ? undefined : "other algorithms are named under the signature";
}

/** The one value of a signed attribute that may be absent. Throws DER_MALFORMED when there is more than one. */
export function attributeValue({ signedAttributes = [] }: SignerInfo, oid: string): Uint8Array | undefined {
  const [values, again] = signedAttributes.filter((attribute) => attribute.oid === oid).map(({ values }) => values);
  if (again !== undefined || (values && values.length > 1)) throw malformed("an attribute has two values");
  return values?.[0];
}

const digestAlgorithmOf = ({ digestAlgorithmDer }: SignerInfo): HashAlgorithm => knownHash(digestAlgorithmDer);

function knownHash(algorithmIdentifierDer: Uint8Array): HashAlgorithm {
  const known = hashAlgorithmOf(algorithmIdentifierDer);
  if (known === undefined) throw malformed("hash algorithm is not one we accept");
  return known;
}

/** AlgorithmIdentifier of rsaEncryption, whose parameters are NULL (RFC 3370 section 3.2). */
const RSA_ENCRYPTION = algorithmIdentifier(OID.rsaEncryption, true);

/** The scheme of a signature. Many name a PKCS#1 signature by its key alone, rsaEncryption: the hash is the digest's then (RFC 3370
 *  section 3.2). Throws ALGORITHM_NOT_ALLOWED. */
function schemeOf(signerInfo: SignerInfo): SignatureScheme {
  const { signatureAlgorithmDer } = signerInfo;
  const digest = hashAlgorithmOf(signerInfo.digestAlgorithmDer);
  if (!equalBytes(signatureAlgorithmDer, RSA_ENCRYPTION) || digest === undefined || digest.startsWith("sha3")) {
    return signatureSchemeOf(signatureAlgorithmDer);
  }
  return `rsa-pkcs1-${digest as "sha256" | "sha384" | "sha512"}`;
}
