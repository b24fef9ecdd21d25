import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "../certificate.ts";
import { type Check, complete, failed, type NamedCheck, passed, runCheck } from "../cms/check.ts";
import { lookForSigner, ONE_SIGNER_CHECKS } from "../cms/one-signer.ts";
import { SIGNER_CHECKS, type SignedBy, signedBy } from "../cms/signer-checks.ts";
import { equalBytes } from "../der/bytes.ts";
import type { HashAlgorithm } from "../hash-algorithms.ts";
import { askTrust, TRUST, type TrustCheck } from "../path/trust.ts";
import { parseTimeStampToken, type TimeStampToken } from "./token.ts";
import type { TstInfo } from "./tst-info.ts";
import { findUnitFault, findUntimely } from "./unit-certificate.ts";

/** What a time stamp must be about. */
export interface TimeStampQuestion {
  /** Or the digest of what was stamped, under the hash that the token names. */
  readonly messageImprint:
    | { readonly hash: HashAlgorithm; readonly digest: Uint8Array }
    | ((hash: HashAlgorithm) => Uint8Array);
  /** The request's, as content octets of an INTEGER: then the token must repeat it. */
  readonly nonce?: Uint8Array | undefined;
  /** Dotted; the token's must be one of them. Absent: any. */
  readonly policies?: readonly string[] | undefined;
  /** Certificates beside those in the token, which may carry none. */
  readonly certificates?: readonly Certificate[];
  readonly trust: TrustCheck;
}

export interface TimeStampVerification {
  /** Every check holds. */
  readonly ok: boolean;
  /** In a fixed order, each of TIME_STAMP_CHECKS and then those of trust. */
  readonly checks: readonly Check[];
  /** What the token says, true or not; undefined when it cannot be read. */
  readonly tstInfo: TstInfo | undefined;
  /** The certificate that every check was made with; undefined when it was not found. */
  readonly signer: Certificate | undefined;
}

type Subject = SignedBy & { readonly tstInfo: TstInfo; readonly question: TimeStampQuestion };

const TOKEN_CHECKS: readonly NamedCheck<Subject>[] = [
  ...SIGNER_CHECKS,
  ["unit-certificate", ({ signer }) => findUnitFault(signer)],
  ["signing-time", ({ signer, tstInfo }) => findUntimely(signer, tstInfo.genTime)],
  ["message-imprint", ({ tstInfo, question }) => findOtherImprint(tstInfo, question)],
  ["nonce", ({ tstInfo, question }) => findOtherNonce(tstInfo, question)],
  [
    "policy",
    ({ tstInfo: { policy }, question: { policies } }) =>
      policies === undefined || policies.includes(policy) ? undefined : `it is under policy ${policy}`,
  ],
  ["tsa-name", findOtherName],
  [
    "extensions",
    ({ tstInfo: { extensions } }) => {
      const critical = extensions.find((extension) => extension.critical);
      return critical && `extension ${critical.oid} is critical and not known`;
    },
  ],
];

const WELL_FORMED = "well-formed";

/** Names of what is looked at in a token. */
export const TIME_STAMP_CHECKS: readonly string[] = [
  WELL_FORMED,
  ...ONE_SIGNER_CHECKS,
  ...TOKEN_CHECKS.map(([name]) => name),
];

/** Looks at everything that makes a token a time stamp about what is asked (RFC 3161 section 2.2, RFC 5816, RFC 5652). Does not throw:
 *  octets that are no token fail the first check. Where a check cannot be made because one before it failed, it fails as well. */
export function verifyTimeStampToken(tokenDer: Uint8Array, question: TimeStampQuestion): TimeStampVerification {
  let token: TimeStampToken;
  try {
    token = parseTimeStampToken(tokenDer);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return outcome([failed(WELL_FORMED, error.message)]);
  }
  const { signedData, tstInfo, tstInfoDer: content } = token;
  const checks = [passed(WELL_FORMED)];

  const { checks: who, found } = lookForSigner(signedData, question.certificates);
  checks.push(...who);
  if (found === undefined) return outcome(checks, tstInfo);

  const { signerInfo, signer, others } = found;
  const contentDigest = (algorithm: HashAlgorithm) => hash(algorithm, content, "buffer");
  const subject: Subject = { ...signedBy({ signedData, signerInfo, signer, contentDigest }), tstInfo, question };
  checks.push(...TOKEN_CHECKS.map((check) => runCheck(check, subject)));
  checks.push(...askTrust(question.trust, signer, others, tstInfo.genTime));
  return outcome(checks, tstInfo, signer);
}

function outcome(made: readonly Check[], tstInfo?: TstInfo, signer?: Certificate): TimeStampVerification {
  const checks = signer === undefined ? complete(made, [...TIME_STAMP_CHECKS, TRUST]) : made;
  return { ok: checks.every(({ ok }) => ok), checks, tstInfo, signer };
}

function findOtherImprint({ messageImprint }: TstInfo, { messageImprint: asked }: TimeStampQuestion) {
  if (messageImprint.hash === undefined) return "the digest is not of a hash that we accept";
  const digest = typeof asked === "function" ? asked(messageImprint.hash) : asked.digest;
  if (typeof asked === "object" && messageImprint.hash !== asked.hash) return `the digest is not of ${asked.hash}`;
  return equalBytes(messageImprint.digest, digest) ? undefined : "something else was stamped";
}

/** The name, where there is one, is among those of the signer's certificate: its subject or an alternative name, octet by octet (RFC 3161
 *  section 2.4.2). */
function findOtherName({ tstInfo: { tsa }, signer: { subject, subjectAltNames } }: Subject): string | undefined {
  if (tsa === undefined) return undefined;
  const isOwn =
    tsa.directory.some(({ der }) => [subject, ...subjectAltNames.directory].some((own) => equalBytes(own.der, der))) ||
    (["dns", "ip", "uri", "email"] as const).some((form) =>
      tsa[form].some((name) => subjectAltNames[form].includes(name)),
    );
  return isOwn ? undefined : "the signer's certificate does not have the name that the token gives";
}

/** A nonce that was not asked for does no harm. */
function findOtherNonce({ nonce }: TstInfo, { nonce: asked }: TimeStampQuestion): string | undefined {
  if (asked === undefined) return undefined;
  if (nonce === undefined) return "the request's is missing";
  return equalBytes(nonce, asked) ? undefined : "it is not the request's";
}
