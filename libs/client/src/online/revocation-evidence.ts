import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import {
  buildCertId,
  buildOcspRequest,
  type Certificate,
  type CertificateList,
  equalBytes,
  isSignedBy,
  issuerHashes,
  type OcspResponse,
  parseCertificateList,
  parseOcspResponse,
  type RevocationEvidence,
  verifyOcspResponse,
} from "@vcc-pki/x509";
import type { KeptAnswers } from "./kept-answers.ts";

const MAX_OCSP_OCTETS = 512 * 1024;
const MAX_CRL_OCTETS = 256 * 1024 * 1024;
/** Asked again after so long, though it would be in force for longer: so soon is known what is revoked. */
const MAX_AGE_MS = 60_000;
const CLOCK_SKEW_MS = 5 * 60_000;

export interface EvidenceOptions {
  readonly kept: KeptAnswers;
  readonly clock: Clock;
  /** For how long after its nextUpdate a statement still shows that a certificate is good while nobody can be reached. 0: not at all. */
  readonly graceMs: number;
}

export interface GatheredEvidence {
  readonly evidence: RevocationEvidence;
  /** What could not be had, and why; the certificate's status is unknown then, unless something else proves it. */
  readonly problems: readonly { readonly url: string; readonly message: string }[];
}

/** Asks about each certificate whose issuer is among `pool`: its OCSP responder, or where that does not answer its revocation list. What comes
 *  is signed by the issuer and in force, or in grace; whether that proves anything about a moment is for `revocationAt` to say. */
export async function gatherEvidence(
  certificates: readonly Certificate[],
  pool: readonly Certificate[],
  options: EvidenceOptions,
): Promise<GatheredEvidence> {
  const ocspResponses: OcspResponse[] = [];
  const crls: CertificateList[] = [];
  const problems: { url: string; message: string }[] = [];
  const ask = async <T>(url: string, into: T[], question: () => Promise<T>): Promise<boolean> => {
    try {
      into.push(await question());
      return true;
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
      problems.push({ url, message: error.message });
      return false;
    }
  };
  await Promise.all(
    certificates.map(async (certificate) => {
      const issuer = pool.find((candidate) => isIssuer(candidate, certificate));
      const [responder] = certificate.ocspUrls;
      const list = certificate.crlDistributionPoints.find((url) => /^https?:/.test(url));
      if (issuer === undefined) return;
      const isAnswered =
        responder !== undefined &&
        (await ask(responder, ocspResponses, () => askOcsp(responder, certificate, issuer, options)));
      if (!isAnswered && list !== undefined) await ask(list, crls, () => askCrl(list, certificate, issuer, options));
    }),
  );
  return { evidence: { ocspResponses, crls, now: options.clock.now() }, problems };
}

const isIssuer = (candidate: Certificate, certificate: Certificate): boolean =>
  candidate.isCa &&
  equalBytes(candidate.subject.der, certificate.issuer.der) &&
  isSignedBy(certificate, candidate.spkiDer);

/** By GET, whose answers are signed ahead and may be kept (RFC 6960 appendix A.1). */
function askOcsp(responder: string, certificate: Certificate, issuer: Certificate, options: EvidenceOptions) {
  const { serial } = certificate;
  const request = Buffer.from(buildOcspRequest([buildCertId(issuerHashes(issuer).sha1, serial)])).toString("base64");
  const url = `${responder.replace(/\/$/, "")}/${encodeURIComponent(request)}`;
  const prove = (response: OcspResponse, at: Date) => verifyOcspResponse(response, { issuer, serial, at }).response;
  return statement(url, "application/ocsp-response", MAX_OCSP_OCTETS, options, {
    parse: (octets) => {
      const response = parseOcspResponse(octets);
      if (response.responseStatus !== "successful") throw notProven(`the responder says ${response.responseStatus}`);
      const { status, thisUpdate, nextUpdate } = prove(response, response.data.producedAt);
      return { statement: response, thisUpdate, nextUpdate, isRevoked: status === "revoked" };
    },
  });
}

function askCrl(
  url: string,
  { serialHex }: Certificate,
  issuer: Certificate,
  options: EvidenceOptions,
): Promise<CertificateList> {
  return statement(url, "application/pkix-crl", MAX_CRL_OCTETS, options, {
    parse: (octets) => {
      const crl = parseCertificateList(octets);
      if (!isSignedBy(crl, issuer.spkiDer)) throw new PkiError("SIGNATURE_INVALID", "the list is not the issuer's");
      const { thisUpdate, nextUpdate } = crl;
      return { statement: crl, thisUpdate, nextUpdate, isRevoked: crl.findRevoked(serialHex) !== undefined };
    },
  });
}

interface Statement<T> {
  readonly statement: T;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly isRevoked: boolean;
}

/** What is at `url`, in force now, or kept from before and in grace; what says "revoked" goes on counting when it has run out. Throws STATUS_NOT_PROVEN and what fetching and parsing throw. */
async function statement<T>(
  url: string,
  accept: string,
  maxBytes: number,
  { kept, clock, graceMs }: EvidenceOptions,
  { parse }: { parse(octets: Uint8Array): Statement<T> },
): Promise<T> {
  const now = clock.now().getTime();
  const holdsUntil = ({ thisUpdate, nextUpdate }: Statement<T>): number =>
    thisUpdate.getTime() <= now + CLOCK_SKEW_MS && nextUpdate !== undefined
      ? nextUpdate.getTime()
      : Number.NEGATIVE_INFINITY;
  const isRight = (octets: Uint8Array) => untilOf(() => holdsUntil(parse(octets))) >= now;
  const answer = await kept.get({ url, accept, maxBytes }, { maxAgeMs: MAX_AGE_MS, isRight });
  const parsed = parse(answer.octets);
  const isInForce = holdsUntil(parsed) + (answer.isKept ? graceMs : 0) >= now;
  if (!isInForce && !parsed.isRevoked) throw notProven(`what ${url} says is out of date`);
  return parsed.statement;
}

function untilOf(look: () => number): number {
  try {
    return look();
  } catch (error) {
    if (error instanceof PkiError) return Number.NEGATIVE_INFINITY;
    throw error;
  }
}

const notProven = (message: string): PkiError => new PkiError("STATUS_NOT_PROVEN", message);
