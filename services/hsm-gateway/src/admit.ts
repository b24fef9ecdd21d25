import { PkiError } from "@vcc-pki/errors";
import { KeyPurpose } from "@vcc-pki/proto/hsm";
import {
  digestAlgorithmFor,
  equalBytes,
  HASH_ALGORITHMS,
  OID,
  parseCertificationRequestInfo,
  parseOcspResponseData,
  parsePae,
  parseSignedAttributes,
  parseTbsCertificate,
  parseTbsCertListHead,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
  sha1KeyIdentifier,
  type TbsCertificate,
} from "@vcc-pki/x509";
import { parseCheckpoint } from "./checkpoint.ts";
import type { Payload, PayloadCase } from "./payload.ts";
import type { Limits, Policy, Purpose } from "./policy.ts";

/** The key that is to sign. */
export interface Signatory {
  readonly policy: Policy;
  readonly spkiDer: Uint8Array;
}

type Check = (octets: Uint8Array, algorithm: SignatureAlgorithmId, key: Signatory) => void;

/** What each purpose admits, and what is then checked. What is not named here is not signed. */
const ADMITTED: Readonly<Record<Purpose, Partial<Record<PayloadCase, Check>>>> = {
  [KeyPurpose.ROOT_CA]: { tbsCertificate: admitCertificate, tbsCertList: admitCertList },
  [KeyPurpose.ISSUING_CA]: { tbsCertificate: admitCertificate, tbsCertList: admitCertList },
  [KeyPurpose.OCSP_RESPONDER]: { ocspResponseData: admitResponseData, certificationRequestInfo: admitOwnRequest },
  [KeyPurpose.TIME_STAMPING]: {
    cmsSignedAttributes: (octets, algorithm) => admitAttributes(octets, algorithm, OID.tstInfo),
    certificationRequestInfo: admitOwnRequest,
  },
  [KeyPurpose.CODE_SIGNING]: {
    cmsSignedAttributes: (octets, algorithm) => admitAttributes(octets, algorithm, OID.data),
    dssePae: (octets) => void parsePae(octets),
    certificationRequestInfo: admitOwnRequest,
  },
  [KeyPurpose.AUDIT_CHECKPOINT]: { auditCheckpoint: (octets) => void parseCheckpoint(octets) },
};

/** Parses what is to be signed and holds it against the key's policy. Throws PAYLOAD_NOT_ADMITTED, ALGORITHM_NOT_ALLOWED, or the
 *  parser's refusal (CERTIFICATE_MALFORMED, CRL_MALFORMED, CSR_MALFORMED, DER_MALFORMED, REQUEST_MALFORMED). */
export function admit({ $case, type, octets }: Payload, algorithm: SignatureAlgorithmId, key: Signatory): void {
  const { purpose, signatureAlgorithms } = key.policy;
  const check = ADMITTED[purpose][$case];
  if (!check) throw refused(`this key does not sign a ${type}`);
  if (!signatureAlgorithms.has(algorithm)) {
    throw new PkiError("ALGORITHM_NOT_ALLOWED", `this key may not be used with ${algorithm}`);
  }
  check(octets, algorithm, key);
}

function admitCertificate(octets: Uint8Array, algorithm: SignatureAlgorithmId, { policy, spkiDer }: Signatory): void {
  const { issuerNameDer, limits } = authorityOf(policy);
  const tbs = parseTbsCertificate(octets);
  requireAlgorithm(tbs.signatureAlgorithmDer, algorithm);
  requireIssuer(tbs.issuer.der, issuerNameDer);
  if (tbs.version !== 3) throw refused("a certificate is of version 3");
  requireValidity(tbs, limits);
  if (tbs.isCa) requireAuthorityCertificate(tbs, limits);
  else requireEndEntity(tbs, limits, issuerNameDer);
  // The key certifies itself only as what it is: the self-signed certificate of its own authority.
  const ownName = equalBytes(tbs.subject.der, issuerNameDer);
  if (equalBytes(tbs.spkiDer, spkiDer) && !(ownName && tbs.isCa)) throw refused("the CA's own key under another name");
}

/** Both bounds are inclusive (RFC 5280 section 4.1.2.5), so a certificate lives one second longer than the difference. */
function requireValidity({ notBefore, notAfter }: TbsCertificate, { maxValiditySeconds }: Limits): void {
  const seconds = (notAfter.getTime() - notBefore.getTime()) / 1_000 + 1;
  if (seconds < 1) throw refused("the certificate ends before it begins");
  if (seconds > maxValiditySeconds) throw refused("the certificate is valid for too long");
}

function requireAuthorityCertificate(tbs: TbsCertificate, limits: Limits): void {
  if (!limits.certificateAuthorities) throw refused("this key does not sign CA certificates");
  if (!tbs.keyUsage?.includes("keyCertSign")) throw refused("a CA certificate asserts keyCertSign");
  if (tbs.subject.rdns.length === 0) throw refused("a CA certificate has a subject");
  const isCritical = tbs.extensions.some(({ oid, critical }) => oid === OID.basicConstraints && critical);
  if (!isCritical) throw refused("basicConstraints is critical in a CA certificate");
}

function requireEndEntity(tbs: TbsCertificate, limits: Limits, issuerNameDer: Uint8Array): void {
  if (!limits.endEntities) throw refused("this key signs only CA certificates");
  if (tbs.keyUsage?.some((usage) => usage === "keyCertSign" || usage === "cRLSign")) {
    throw refused("an end entity signs neither certificates nor CRLs");
  }
  if (equalBytes(tbs.subject.der, issuerNameDer)) throw refused("an end entity under the issuer's name");
  const usages = tbs.extendedKeyUsages ?? [];
  if (usages.length === 0 && limits.extendedKeyUsages.size > 0) throw refused("extendedKeyUsage is missing");
  const strange = usages.find((usage) => !limits.extendedKeyUsages.has(usage));
  if (strange !== undefined) throw refused(`extended key usage ${strange} is not this key's to grant`);
}

/** What stands on the list is the ca's to say: no policy is about it. */
function admitCertList(octets: Uint8Array, algorithm: SignatureAlgorithmId, { policy }: Signatory): void {
  const tbs = parseTbsCertListHead(octets);
  requireAlgorithm(tbs.signatureAlgorithmDer, algorithm);
  requireIssuer(tbs.issuer.der, authorityOf(policy).issuerNameDer);
  if (tbs.version !== 2) throw refused("a CRL is of version 2");
  if (!tbs.nextUpdate || tbs.nextUpdate <= tbs.thisUpdate) throw refused("a CRL ends after it begins");
}

/** The responder names itself by the hash of its key (RFC 6960 section 4.2.1), which we can check; a name we could not. */
function admitResponseData(octets: Uint8Array, _algorithm: SignatureAlgorithmId, { spkiDer }: Signatory): void {
  const { responderId } = parseOcspResponseData(octets);
  if (!("keyHash" in responderId)) throw refused("the responder is identified by key");
  if (!equalBytes(responderId.keyHash, sha1KeyIdentifier(spkiDer))) throw refused("the responder is another key");
}

/** One hash for content and attributes, so the digest has the length of the algorithm's. */
function admitAttributes(octets: Uint8Array, algorithm: SignatureAlgorithmId, contentType: string): void {
  const attributes = parseSignedAttributes(octets);
  if (attributes.contentType !== contentType) throw refused(`content of type ${attributes.contentType}`);
  if (attributes.messageDigest.length !== HASH_ALGORITHMS[digestAlgorithmFor(algorithm)].octets)
    throw refused("messageDigest is of another hash");
}

/** A request for a certificate for this very key (RFC 2986): it proves possession and nothing else. */
function admitOwnRequest(octets: Uint8Array, _algorithm: SignatureAlgorithmId, { spkiDer }: Signatory): void {
  if (!equalBytes(parseCertificationRequestInfo(octets).spkiDer, spkiDer)) throw refused("a request for another key");
}

function requireAlgorithm(algorithmIdentifierDer: Uint8Array, algorithm: SignatureAlgorithmId): void {
  if (!equalBytes(algorithmIdentifierDer, SIGNATURE_ALGORITHMS[algorithm].algorithmIdentifierDer)) {
    throw refused("its signature field names another algorithm");
  }
}

function requireIssuer(issuerDer: Uint8Array, issuerNameDer: Uint8Array): void {
  if (!equalBytes(issuerDer, issuerNameDer)) throw refused("its issuer is another name");
}

function authorityOf({ authority }: Policy): NonNullable<Policy["authority"]> {
  if (!authority) throw new Error("a CA key without issuer name");
  return authority;
}

const refused = (why: string): PkiError => new PkiError("PAYLOAD_NOT_ADMITTED", `not signed: ${why}`);
