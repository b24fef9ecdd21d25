export {
  defaultSignatureAlgorithm,
  fitsKey,
  isKeyAlgorithmId,
  isSignatureAlgorithmId,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  type KeyType,
  SIGNATURE_ALGORITHMS,
  SIGNATURE_SCHEMES,
  type SignatureAlgorithmId,
  type SignatureScheme,
  signatureAlgorithmOf,
  signatureSchemeOf,
} from "./algorithms.ts";
export type { AttributeTypeName } from "./attribute-types.ts";
export { isSignedByInBackground } from "./background.ts";
export {
  buildTbsCertificate,
  Certificate,
  completeCertificate,
  parseCertificate,
  parseTbsCertificate,
  serialToHex,
  TbsCertificate,
  type TbsCertificateFields,
} from "./certificate.ts";
export { type Attribute, buildAttribute } from "./cms/attributes.ts";
export {
  buildSignatureTimeStamp,
  CADES_CHECKS,
  type CadesQuestion,
  type CadesVerification,
  verifyCadesSignature,
} from "./cms/cades.ts";
export { type Check, complete, faultsText } from "./cms/check.ts";
export { parseSignedAttributes, type SignedAttributes } from "./cms/signed-attributes.ts";
export { parseSignedData, type SignedData, type SignerIdentifier, type SignerInfo } from "./cms/signed-data.ts";
export { type CmsSignerFields, type SignedDataFields, SignedDataTemplate } from "./cms/signed-data-template.ts";
export {
  buildTbsCertList,
  CertificateList,
  completeCertificateList,
  parseCertificateList,
  parseTbsCertList,
  parseTbsCertListHead,
  TbsCertList,
  type TbsCertListFields,
  TbsCertListHead,
} from "./crl.ts";
export { REVOCATION_REASONS, type RevocationReason, type RevokedCertificate, type RevokedEntry } from "./crl-entry.ts";
export {
  buildCertificationRequestInfo,
  CertificationRequest,
  type CertificationRequestFields,
  CertificationRequestInfo,
  type CsrAttribute,
  createCertificationRequest,
  type OwnCertificationRequest,
  parseCertificationRequest,
  parseCertificationRequestInfo,
} from "./csr.ts";
export { equalBytes, toHex } from "./der/bytes.ts";
export { splitDer } from "./der/elements.ts";
export { decodeOid, encodeOid } from "./der/oid.ts";
export { DerReader } from "./der/reader.ts";
export { CONSTRUCTED, constructedContext, primitiveContext, TAG } from "./der/tags.ts";
export { readGeneralizedTime, readTime } from "./der/time.ts";
export { DerWriter, encode } from "./der/writer.ts";
export { buildPae, type PreAuthenticationEncoding, parsePae } from "./dsse/pae.ts";
export {
  DSSE_CHECKS,
  DSSE_CHECKS_AT,
  type DsseEnvelope,
  type DsseQuestion,
  type DsseQuestionAt,
  type DsseVerification,
  dsseAlgorithmFor,
  verifyDsseSignature,
  verifyDsseSignatureAt,
} from "./dsse/verify-signature.ts";
export { ecdsaDerToRaw, rawEcdsaToDer } from "./ecdsa-signature.ts";
export { type AuthorityInfoAccess, authorityInfoAccess } from "./extensions/authority-info-access.ts";
export { type BasicConstraints, basicConstraints } from "./extensions/basic-constraints.ts";
export { crlNumber, deltaCrlIndicator, expiredCertsOnCrl } from "./extensions/crl-extensions.ts";
export {
  crlDistributionPoints,
  freshestCrl,
  type IssuingDistributionPoint,
  issuingDistributionPoint,
} from "./extensions/distribution-points.ts";
export { buildExtension, type Extension } from "./extensions/extension.ts";
export { authorityKeyIdentifier, subjectKeyIdentifier } from "./extensions/key-identifiers.ts";
export {
  extendedKeyUsage,
  KEY_USAGES,
  type KeyUsage,
  keyUsage,
  type PrivateKeyUsagePeriod,
  privateKeyUsagePeriod,
} from "./extensions/key-usage.ts";
export type { KnownExtensions } from "./extensions/known-extensions.ts";
export {
  type NameConstraints,
  type NameConstraintsInput,
  type NameSubtrees,
  nameConstraints,
  onlyTheseNames,
} from "./extensions/name-constraints.ts";
export {
  certificatePolicies,
  inhibitAnyPolicy,
  type PolicyConstraints,
  policyConstraints,
} from "./extensions/policies.ts";
export { noRevAvail, ocspNoCheck } from "./extensions/revocation-flags.ts";
export { subjectAltName } from "./extensions/subject-alt-name.ts";
export { digestAlgorithmFor, HASH_ALGORITHMS, type HashAlgorithm, hashAlgorithmOf } from "./hash-algorithms.ts";
export { lintTbsCertificate, lintTbsCertList, parseAndLint, parseAndLintList } from "./lint/lint.ts";
export type { Finding } from "./lint/rule.ts";
export { buildName, type Name, type NameAttribute, parseName } from "./name.ts";
export { attributeValues, nameToText } from "./name-text.ts";
export { findConstraintViolation } from "./names/constraint-check.ts";
export { type DnsNameOptions, isValidDnsName } from "./names/dns.ts";
export { isMailbox } from "./names/email.ts";
export type { GeneralNames, GeneralNamesInput } from "./names/general-names.ts";
export { formatIpAddress, parseIpAddress, parseIpRange } from "./names/ip.ts";
export { checkTrustDomain, DEFAULT_TRUST_DOMAIN, parseSpiffeId, type SpiffeId, suiteId } from "./names/spiffe-id.ts";
export { isAbsoluteUri } from "./names/uri.ts";
export {
  buildCertId,
  CERT_ID_HASHES,
  CertId,
  type CertIdHash,
  type IssuerHashes,
  issuerHashes,
} from "./ocsp/cert-id.ts";
export { ocspArchiveCutoff, ocspExtendedRevoke, ocspNonce } from "./ocsp/extensions.ts";
export { buildOcspRequest, type OcspRequest, parseOcspRequest } from "./ocsp/request.ts";
export {
  assembleOcspResponse,
  type BasicOcspResponse,
  type OcspError,
  type OcspResponse,
  ocspErrorResponse,
  parseOcspResponse,
} from "./ocsp/response.ts";
export {
  buildResponseData,
  type CertStatus,
  type OcspResponseData,
  type OcspSingleResponse,
  parseOcspResponseData,
  type ResponseDataFields,
  type SingleResponseFields,
} from "./ocsp/response-data.ts";
export { type OcspResponderFields, OcspResponseTemplate } from "./ocsp/response-template.ts";
export { type OcspQuestion, type ProvenStatus, verifyOcspResponse } from "./ocsp/verify-response.ts";
export { OID } from "./oids.ts";
export type { PathFailure, PathReason } from "./path/path-failure.ts";
export { PATH_LIMITS } from "./path/path-search.ts";
export { type RevocationEvidence, type RevocationStatus, revocationAt } from "./path/revocation-at.ts";
export type { Revocation, RevocationSource } from "./path/revocation-statement.ts";
export { type TrustCheck, type TrustedBy, trustAnchors } from "./path/trust.ts";
export { TrustMemory } from "./path/trust-memory.ts";
export { type PathQuestion, type PathResult, validatePath } from "./path/validate-path.ts";
export { pemDecode, pemEncode } from "./pem.ts";
export { importPublicKey, isSignedBy, type Signed, verifySignature } from "./signature.ts";
export { assembleSigned } from "./signed.ts";
export {
  type KeyAlgorithmName,
  keyAlgorithmOf,
  parseSubjectPublicKey,
  type SubjectPublicKey,
  sha1KeyIdentifier,
} from "./spki.ts";
export { PKI_FAILURE_INFO, type PkiFailureInfo, TimeStampRefusal } from "./timestamp/fail-info.ts";
export { imprintData, type MessageImprint, messageImprintOf } from "./timestamp/message-imprint.ts";
export {
  buildTimeStampReq,
  parseTimeStampReq,
  type TimeStampReq,
  type TimeStampReqFields,
} from "./timestamp/request.ts";
export { type PkiStatus, parseTimeStampResp, type TimeStampResp, timeStampResp } from "./timestamp/response.ts";
export {
  SIGNATURE_TIME_STAMP_CHECKS,
  type SignatureTimeStamp,
  type SignatureTimeStampQuestion,
  verifySignatureTimeStamp,
} from "./timestamp/signature-time-stamp.ts";
export { findStampedHash, parseTimeStampToken, type TimeStampToken } from "./timestamp/token.ts";
export {
  type TokenFields,
  TokenTemplate,
  type TokenTemplateFields,
  type TstInfoFields,
} from "./timestamp/token-template.ts";
export { type Accuracy, parseTstInfo, type TstInfo } from "./timestamp/tst-info.ts";
export { findUnitFault, findUntimely } from "./timestamp/unit-certificate.ts";
export {
  TIME_STAMP_CHECKS,
  type TimeStampQuestion,
  type TimeStampVerification,
  verifyTimeStampToken,
} from "./timestamp/verify.ts";
export { type KeyBlocklist, parseKeyBlocklist } from "./weak-keys/blocklist.ts";
export { checkPublicKey, type KeyRequirements } from "./weak-keys/check-public-key.ts";
