import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate,
  type CertificateList,
  isSignedBy,
  type OcspResponse,
  OID,
  type PathReason,
  parseOcspResponse,
  validatePath,
  verifyOcspResponse,
} from "@vcc-pki/x509";
import type { ConnectionFault } from "./connection.ts";
import { isNamed, type ServedCertificate } from "./served-certificate.ts";

/** What a probe says of an endpoint. "invalid" is ours by its signature, and no client may accept it. */
export const VERDICTS = [
  ...(["ours", "foreign", "expired", "wrong_name", "self_signed", "revoked", "invalid", "plaintext"] as const),
  "unreachable",
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** Why. The words are stable. */
export type VerdictReason =
  | "pathToOurRoot"
  | "otherIssuer"
  | "otherName"
  | "ownKey"
  | "revokedByList"
  | "revokedByStaple"
  | PathReason
  | ConnectionFault;

/** What a stapled response proves; "invalid": nothing. */
export type StapledStatus = "none" | "good" | "revoked" | "unknown" | "invalid";

/** The suite's own hierarchy, as `SuiteTrust` has it. */
export interface ProbeTrust {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly crls: readonly CertificateList[];
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: VerdictReason;
  /** For people. */
  readonly detail: string;
  /** Whether it is signed by our hierarchy, good or not. */
  readonly isOurs: boolean;
  readonly stapled: StapledStatus;
}

export interface ServedQuestion {
  /** The server's certificate first. */
  readonly chain: readonly ServedCertificate[];
  readonly stapledDer: Uint8Array | undefined;
  /** Host name or address that clients ask for; undefined: nobody knows, and no name is wrong. */
  readonly name: string | undefined;
  readonly trust: ProbeTrust;
  readonly at: Date;
}

/** Judges what was served, from what is worst: expired, revoked, whose it is, for which name. Pure. */
export function judgeServed({ chain, stapledDer, name, trust, at }: ServedQuestion): Judgement {
  const [leaf] = chain as readonly [ServedCertificate];
  const certificate = leaf.parsed;
  const above = chain.slice(1).flatMap(({ parsed }) => parsed ?? []);
  const issuer = certificate && findIssuer(certificate, [...above, ...trust.intermediates, ...trust.anchors]);
  const { stapled, response } = readStaple(stapledDer, certificate, issuer, at);
  const path = certificate && askPath(certificate, above, trust, at, response);
  const isOurs = path !== undefined && (path.ok || !path.reasons.some(({ reason }) => IS_FOREIGN.has(reason)));
  const say = (verdict: Verdict, reason: VerdictReason, detail: string): Judgement => ({
    ...{ verdict, reason, detail, isOurs, stapled },
  });

  if (leaf.notAfter < at) return say("expired", "expired", `expired on ${leaf.notAfter.toISOString()}`);
  const revoked = path?.ok === false ? path.reasons.find(({ reason }) => reason === "revoked") : undefined;
  if (stapled === "revoked")
    return say("revoked", "revokedByStaple", revoked?.message ?? "its stapled OCSP response says so");
  if (revoked) return say("revoked", "revokedByList", revoked.message);
  if (path?.ok) {
    if (name !== undefined && !isNamed(leaf, name)) return say("wrong_name", "otherName", `it is not for ${name}`);
    return say("ours", "pathToOurRoot", "valid, of this PKI");
  }
  if (isOurs) {
    const fault = path?.reasons[0];
    const verdict = fault?.reason === "expired" ? "expired" : "invalid";
    return say(verdict, fault?.reason ?? "malformed", fault?.message ?? "");
  }
  if (isSelfSigned(leaf)) return say("self_signed", "ownKey", "signed by its own key");
  const otherName = name === undefined || isNamed(leaf, name) ? "" : `, and not for ${name}`;
  return say("foreign", "otherIssuer", `issued by ${leaf.issuer}${otherName}`);
}

/** Of paths that do not come to one of our roots. */
const IS_FOREIGN: ReadonlySet<PathReason> = new Set(["noIssuer", "signatureInvalid", "tooManyTries"]);

function askPath(
  certificate: Certificate,
  above: readonly Certificate[],
  { anchors, intermediates, crls }: ProbeTrust,
  at: Date,
  response: OcspResponse | undefined,
) {
  const revocation = { crls, ocspResponses: response ? [response] : [], now: at };
  return validatePath({
    ...{ certificate, candidates: [...above, ...intermediates], anchors, at, revocation },
    purpose: OID.serverAuth,
  });
}

/** A foreign certificate may be signed in ways that we do not read: then nobody is its issuer. */
function findIssuer(certificate: Certificate, candidates: readonly Certificate[]): Certificate | undefined {
  return candidates.find((each) => {
    try {
      return isSignedBy(certificate, each.spkiDer);
    } catch (error) {
      if (error instanceof PkiError) return false;
      throw error;
    }
  });
}

const isSelfSigned = ({ openssl }: ServedCertificate): boolean =>
  openssl.subject === openssl.issuer && openssl.verify(openssl.publicKey);

/** Verified with the certificate's issuer, or worth nothing. */
function readStaple(
  der: Uint8Array | undefined,
  certificate: Certificate | undefined,
  issuer: Certificate | undefined,
  at: Date,
): { stapled: StapledStatus; response?: OcspResponse } {
  if (der === undefined) return { stapled: "none" };
  if (certificate === undefined || issuer === undefined) return { stapled: "invalid" };
  try {
    const response = parseOcspResponse(der);
    const proven = verifyOcspResponse(response, { issuer, serial: certificate.serial, at });
    return { stapled: proven.response.status, response };
  } catch (error) {
    if (error instanceof PkiError) return { stapled: "invalid" };
    throw error;
  }
}
