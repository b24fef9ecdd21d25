import { hash } from "node:crypto";
import {
  type Certificate,
  type Check,
  isSignedBy,
  nameToText,
  OID,
  type PathFailure,
  type PathReason,
  parseSpiffeId,
  type RevocationEvidence,
  type TrustCheck,
  validatePath,
} from "@vcc-pki/x509";
import { matchesIdentity, type TrustPolicy } from "./trust-policy.ts";
import type { VerdictName } from "./verdicts.ts";

/** What a relying party has to judge by: from its own trust bundle, never from what comes with a signature. */
export interface ArtefactTrust {
  /** Roots of signers. */
  readonly anchors: readonly Certificate[];
  /** Roots of time-stamping authorities. */
  readonly timeStampAnchors: readonly Certificate[];
  /** Certificates that may stand in between, beside those that come with a signature or a token. */
  readonly intermediates?: readonly Certificate[];
  /** Lists and responses about certificates of signers and time-stamping units. */
  readonly revocation?: RevocationEvidence;
}

/** Reasons of `validatePath` that have a verdict of their own; all others are about the path. */
const VERDICT_BY_REASON: Partial<Record<PathReason, VerdictName>> = {
  notYetValid: "validity",
  expired: "validity",
  purpose: "purpose",
  revoked: "revocation",
  revocationUnknown: "revocation-known",
};

/** Judges the signer of an artefact at a time: the path to an anchor, what its certificate is for, who issued it, whom it names, and whether it was
 *  revoked. Every check is made, whatever the others say, but for revocation, which nobody asks of a certificate without a path. */
export function signerTrust(trust: ArtefactTrust, policy: TrustPolicy): TrustCheck {
  return (signer, others, at) => {
    const candidates = [...others, ...(trust.intermediates ?? [])];
    const result = validatePath({
      ...{ certificate: signer, candidates, anchors: trust.anchors, at, purpose: OID.codeSigning },
      ...(trust.revocation && { revocation: trust.revocation }),
      requireRevocation: policy.revocation === "required",
    });
    const failures = result.ok ? [] : result.reasons;
    const faultOf = (name: VerdictName) => describe(failures.filter(({ reason }) => verdictOf(reason) === name));
    const hasPath = !failures.some(({ reason }) => !verdictOf(reason).startsWith("revocation"));
    const revocation = (name: VerdictName) =>
      hasPath ? outcome(name, faultOf(name)) : { name, ok: false, isOpen: true };
    return [
      outcome("path", faultOf("path")),
      outcome("validity", faultOf("validity")),
      outcome("purpose", faultOf("purpose") ?? findPurposeFault(signer)),
      outcome("issuer", findIssuerFault(signer, [...candidates, ...trust.anchors], policy)),
      outcome("identity", findIdentityFault(signer, policy)),
      revocation("revocation"),
      revocation("revocation-known"),
    ];
  };
}

const outcome = (name: VerdictName, reason: string | undefined): Check =>
  reason === undefined ? { name, ok: true } : { name, ok: false, reason };

const verdictOf = (reason: PathReason): VerdictName => VERDICT_BY_REASON[reason] ?? "path";

const describe = (failures: readonly PathFailure[]): string | undefined =>
  failures.length === 0
    ? undefined
    : failures
        .map(({ reason, message, certificate }) => `${nameToText(certificate.subject)}: ${reason}: ${message}`)
        .join("; ");

/** A signer's key is for nothing else: whoever may sign code with a certificate for servers can have it sign code by connecting. */
function findPurposeFault({ extendedKeyUsages, keyUsage }: Certificate): string | undefined {
  if (extendedKeyUsages?.length !== 1) return "extended key usage is not codeSigning alone";
  return keyUsage?.includes("digitalSignature") ? undefined : "key usage is not said to be digitalSignature";
}

/** By the key that signed the certificate: what it says of its issuer's name is anybody's to write. */
function findIssuerFault(
  signer: Certificate,
  authorities: readonly Certificate[],
  { issuers }: TrustPolicy,
): string | undefined {
  const allowed = authorities.filter(({ spkiDer }) => issuers.includes(`sha256:${hash("sha256", spkiDer)}`));
  if (allowed.some(({ spkiDer }) => isSignedBy(signer, spkiDer))) return undefined;
  return `the certificate was issued by ${nameToText(signer.issuer)}`;
}

function findIdentityFault(signer: Certificate, { identities }: TrustPolicy): string | undefined {
  const identity = signerIdentity(signer);
  if (identity === undefined) return "the certificate does not name one service of an organisation";
  if (identities.some((pattern) => matchesIdentity(pattern, identity.uri))) return undefined;
  return `it is ${identity.uri}`;
}

/** Who a signer says it is: the one URI of its certificate, when it names a service of an organisation. */
export function signerIdentity({ subjectAltNames }: Certificate): { uri: string; organisation: string } | undefined {
  const [uri, second] = subjectAltNames?.uri ?? [];
  if (uri === undefined || second !== undefined) return undefined;
  const trustDomain = /^spiffe:\/\/([^/]+)\//.exec(uri)?.[1];
  try {
    const identity = parseSpiffeId(uri, trustDomain);
    return identity.kind === "workload" ? identity : undefined;
  } catch {
    return undefined;
  }
}
