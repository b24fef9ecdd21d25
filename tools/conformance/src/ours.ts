import type { Clock } from "@vcc-pki/time";
import {
  type Certificate,
  type CertificateList,
  equalBytes,
  findStampedHash,
  imprintData,
  isSignedBy,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  type TimeStampQuestion,
  trustAnchors,
  verifyOcspResponse,
  verifyTimeStampToken,
} from "@vcc-pki/x509";
import { readProgramStamp } from "./authenticode.ts";
import { ACCEPTS, type Judge, refuses, type Verdict } from "./judge.ts";
import { verifyArtefact, verifyAttestation, verifyBundle, verifySignature } from "./our-signatures.ts";
import type {
  CertificateSpecimen,
  CrlSpecimen,
  OcspSpecimen,
  PairSpecimen,
  ProgramSpecimen,
  TimeStampSpecimen,
} from "./specimen.ts";

/** libs/x509 as a judge among the judges: parse strictly, chain names and key identifiers byte for byte, verify signatures, dates and CRLs
 *  (RFC 5280 section 6.1.3 and 6.3.3, as far as this suite's own objects need them). */
export function ourJudge(clock: Clock): Judge {
  const judged = async (verify: () => void | Promise<void>): Promise<Verdict> => {
    try {
      await verify();
      return ACCEPTS;
    } catch (error) {
      return refuses(error instanceof Error ? error.message : String(error));
    }
  };
  return {
    name: "libs/x509",
    version: "",
    opinions: {
      certificate: (specimen) => judged(() => verifyPath(specimen, clock.now())),
      crl: (specimen) => judged(() => verifyCrlSpecimen(specimen, clock.now())),
      ocsp: (specimen) => judged(() => verifyOcspSpecimen(specimen, clock.now())),
      pair: (specimen) => judged(() => verifyPair(specimen)),
      "time-stamp": (specimen) => judged(() => verifyTimeStamp(specimen)),
      program: (specimen) => judged(() => verifyProgramStamp(specimen)),
      signature: (specimen) => judged(() => verifySignature(specimen)),
      artefact: (specimen) => judged(() => verifyArtefact(specimen)),
      bundle: (specimen) => judged(() => verifyBundle(specimen)),
      attestation: (specimen) => judged(() => verifyAttestation(specimen)),
    },
  };
}

function verifyPath({ object, issuers, crls, deltas }: CertificateSpecimen, at: Date): void {
  const path = [object, ...issuers].map(({ der }) => parseCertificate(der));
  const lists = [...crls, ...deltas].map(({ der }) => parseCertificateList(der));
  path.forEach((certificate, depth) => {
    const issuer = path[depth + 1] ?? certificate;
    require(certificate.notBefore <= at && at <= certificate.notAfter, "not valid at this time");
    verifyIssuedBy(certificate, issuer, Math.max(0, depth - 1));
    if (issuer === certificate) return;
    const ofIssuer = lists.filter((candidate) => equalBytes(candidate.issuer.der, issuer.subject.der));
    for (const list of ofIssuer) verifyCrl(list, issuer, at);
    require(!isRevoked(certificate, ofIssuer), "revoked");
  });
}

/** A delta list has the last word (RFC 5280 section 5.2.4); lists of other shards, whose distribution point is another, have none. */
function isRevoked(certificate: Certificate, lists: readonly CertificateList[]): boolean {
  const entries = lists
    .filter(({ known: { issuingDistributionPoint } }) => {
      const urls = issuingDistributionPoint?.urls ?? [];
      return urls.length === 0 || urls.some((url) => certificate.crlDistributionPoints.includes(url));
    })
    .sort((one, other) => Number(isDelta(other)) - Number(isDelta(one)))
    .flatMap((list) => list.findRevoked(certificate.serialHex) ?? []);
  return entries[0] !== undefined && entries[0].reason !== "removeFromCRL";
}

const isDelta = ({ known }: CertificateList): boolean => known.deltaCrlIndicator !== undefined;

/** `below` is how many intermediates stand between `issuer` and the end of the path. */
function verifyIssuedBy(certificate: Certificate, issuer: Certificate, below: number): void {
  require(equalBytes(certificate.issuer.der, issuer.subject.der), "issued under another name");
  require(issuer.basicConstraints?.ca === true, "the issuer is no authority");
  require((issuer.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY) >= below, "the path is too long");
  require(issuer.keyUsage?.includes("keyCertSign") ?? false, "the issuer's key may not sign certificates");
  const { authorityKeyIdentifier } = certificate;
  const { subjectKeyIdentifier } = issuer;
  require(authorityKeyIdentifier === undefined ||
    (subjectKeyIdentifier !== undefined &&
      equalBytes(authorityKeyIdentifier, subjectKeyIdentifier)), "issued by another key");
  require(isSignedBy(certificate, issuer.spkiDer), "the signature is wrong");
}

function verifyCrlSpecimen({ object, issuer }: CrlSpecimen, at: Date): void {
  verifyCrl(parseCertificateList(object.der), parseCertificate(issuer.der), at);
}

function verifyCrl(list: CertificateList, issuer: Certificate, at: Date): void {
  require(equalBytes(list.issuer.der, issuer.subject.der), "a CRL of another authority");
  require(issuer.keyUsage?.includes("cRLSign") ?? false, "the issuer's key may not sign CRLs");
  require(list.thisUpdate <= at && list.nextUpdate !== undefined && at <= list.nextUpdate, "the CRL is not current");
  require(isSignedBy(list, issuer.spkiDer), "the CRL's signature is wrong");
}

function verifyOcspSpecimen({ object, issuer, asked }: OcspSpecimen, at: Date): void {
  const response = parseOcspResponse(object.der);
  for (const { serial, status } of asked) {
    const proven = verifyOcspResponse(response, { issuer: parseCertificate(issuer.der), serial, at });
    require(proven.response.status === status, `the answer is ${proven.response.status}`);
  }
}

function verifyPair({ object, issuer }: PairSpecimen): void {
  verifyIssuedBy(parseCertificate(object.der), parseCertificate(issuer.der), 0);
}

function verifyTimeStamp({ object, question, root, certificates }: TimeStampSpecimen): void {
  const { messageImprint, nonce, reqPolicy } = question;
  requireChecks(object.der, {
    ...{ messageImprint, nonce, policies: reqPolicy === undefined ? undefined : [reqPolicy] },
    certificates: certificates.map(({ der }) => parseCertificate(der)),
    trust: trustAnchors({ anchors: [parseCertificate(root.der)] }),
  });
}

/** The time stamp only: the publisher's signature is not ours to judge. */
function verifyProgramStamp({ object, root, crls }: ProgramSpecimen): void {
  const { signature, tokenDer } = readProgramStamp(object.der);
  const revocation = { crls: crls.map(({ der }) => parseCertificateList(der)) };
  requireChecks(tokenDer, {
    messageImprint: imprintData(findStampedHash(tokenDer) ?? "sha256", signature),
    trust: trustAnchors({ anchors: [parseCertificate(root.der)], revocation, requireRevocation: true }),
  });
}

function requireChecks(tokenDer: Uint8Array, question: TimeStampQuestion): void {
  const failed = verifyTimeStampToken(tokenDer, question).checks.filter(({ ok }) => !ok);
  require(failed.length === 0, failed.map(({ name, reason }) => `${name}: ${reason}`).join("; "));
}

function require(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint);
}
