import { PkiError } from "@vcc-pki/errors";
import { defaultSignatureAlgorithm, isKeyAlgorithmId, type SignatureAlgorithmId } from "../algorithms.ts";
import type { Certificate } from "../certificate.ts";
import { type Check, complete, failed, type NamedCheck, passed, runCheck } from "../cms/check.ts";
import { isSelfIssued } from "../path/self-issued.ts";
import { askTrust, TRUST, type TrustCheck } from "../path/trust.ts";
import { isSignedBy, verifySignature } from "../signature.ts";
import {
  SIGNATURE_TIME_STAMP_CHECKS,
  type SignatureTimeStamp,
  type SignatureTimeStampQuestion,
  verifySignatureTimeStamp,
} from "../timestamp/signature-time-stamp.ts";
import { buildPae, type PreAuthenticationEncoding } from "./pae.ts";

/** A DSSE envelope (DSSE v1.0), without key identifiers: those name a key to who trusts them, and here nobody does. ECDSA signatures are DER. */
export interface DsseEnvelope extends PreAuthenticationEncoding {
  readonly signatures: readonly Uint8Array[];
}

/** What came with an envelope, and who may have signed it at a time that is known. */
export interface DsseQuestionAt {
  /** What the payload has to be. */
  readonly payloadType: string;
  /** The signer's certificate, and behind each the one of its issuer. None of them is trusted. */
  readonly certificates: readonly Certificate[];
  /** Asked about the signer at this time. */
  readonly trust: TrustCheck;
  readonly at: Date;
}

/** The same, where the time is that of a time stamp. */
export interface DsseQuestion extends Omit<DsseQuestionAt, "at"> {
  /** Tokens over the octets of the signature, in DER. */
  readonly timeStamps: readonly Uint8Array[];
  readonly timeStamp: SignatureTimeStampQuestion;
}

export interface DsseVerification {
  /** Every check holds. */
  readonly ok: boolean;
  /** In a fixed order, each of DSSE_CHECKS and then those of trust. */
  readonly checks: readonly Check[];
  /** The certificate that every check was made with; undefined when there is none. */
  readonly signer: Certificate | undefined;
  readonly timeStamp: SignatureTimeStamp | undefined;
}

interface Subject {
  readonly envelope: DsseEnvelope;
  readonly signature: Uint8Array;
  readonly signer: Certificate;
  readonly question: Pick<DsseQuestion, "payloadType" | "certificates">;
}

const ENVELOPE_CHECKS: readonly NamedCheck<Subject>[] = [
  [
    "content-type",
    ({ envelope: { payloadType }, question }) =>
      payloadType === question.payloadType ? undefined : `the payload is ${payloadType}`,
  ],
  [
    "signature",
    ({ envelope, signature, signer }) =>
      verifySignature(signer.spkiDer, dsseAlgorithmFor(signer), buildPae(envelope), signature)
        ? undefined
        : "it is not by this key over this payload",
  ],
  ["certificate-chain", ({ question }) => findChainFault(question.certificates)],
];

const ONE_SIGNER = "one-signer";
const SIGNER_CERTIFICATE = "signer-certificate";

/** Names of what is looked at in an envelope without a time stamp. */
export const DSSE_CHECKS_AT: readonly string[] = [
  ONE_SIGNER,
  SIGNER_CERTIFICATE,
  ...ENVELOPE_CHECKS.map(([name]) => name),
];

/** Names of what is looked at in an envelope. */
export const DSSE_CHECKS: readonly string[] = [...DSSE_CHECKS_AT, ...SIGNATURE_TIME_STAMP_CHECKS];

/** How the key of a certificate signs envelopes: an envelope does not say, so that each kind of key has one way, and the hash is that of its
 *  curve. Throws ALGORITHM_NOT_ALLOWED. */
export function dsseAlgorithmFor({ keyAlgorithm }: Pick<Certificate, "keyAlgorithm">): SignatureAlgorithmId {
  if (!isKeyAlgorithmId(keyAlgorithm))
    throw new PkiError("ALGORITHM_NOT_ALLOWED", `envelopes are not signed by a key of type ${keyAlgorithm}`);
  return defaultSignatureAlgorithm(keyAlgorithm);
}

/** Looks at everything that makes an envelope one by the first of these certificates, with one signature and one time stamp. The signer is judged at
 *  the time of the time stamp and at no other. Does not throw; a check that cannot be made fails. */
export function verifyDsseSignature(envelope: DsseEnvelope, question: DsseQuestion): DsseVerification {
  const { checks, subject } = lookAtEnvelope(envelope, question);
  if (subject === undefined) return outcome(checks, DSSE_CHECKS);
  const timeStamp = verifySignatureTimeStamp(question.timeStamps, subject.signature, question.timeStamp);
  const { at } = timeStamp;
  const trust = at && askTrust(question.trust, subject.signer, question.certificates.slice(1), at);
  return outcome([...checks, ...timeStamp.checks, ...(trust ?? [])], DSSE_CHECKS, { ...subject, timeStamp, trust });
}

/** The same about an envelope whose time is known otherwise. */
export function verifyDsseSignatureAt(envelope: DsseEnvelope, question: DsseQuestionAt): DsseVerification {
  const { checks, subject } = lookAtEnvelope(envelope, question);
  if (subject === undefined) return outcome(checks, DSSE_CHECKS_AT);
  const trust = askTrust(question.trust, subject.signer, question.certificates.slice(1), question.at);
  return outcome([...checks, ...trust], DSSE_CHECKS_AT, { ...subject, trust });
}

function lookAtEnvelope(
  envelope: DsseEnvelope,
  question: Subject["question"],
): { readonly checks: readonly Check[]; readonly subject?: Subject } {
  const [signature, second] = envelope.signatures;
  if (signature === undefined || second !== undefined) {
    return { checks: [failed(ONE_SIGNER, `there are ${envelope.signatures.length} signatures`)] };
  }
  const [signer] = question.certificates;
  if (signer === undefined) return { checks: [passed(ONE_SIGNER), failed(SIGNER_CERTIFICATE, "there is none")] };
  const subject = { envelope, signature, signer, question };
  const checks = ENVELOPE_CHECKS.map((check) => runCheck(check, subject));
  return { checks: [passed(ONE_SIGNER), passed(SIGNER_CERTIFICATE), ...checks], subject };
}

/** Nothing is carried along that does not vouch for what is before it. */
function findChainFault(certificates: readonly Certificate[]): string | undefined {
  const broken = certificates.findIndex((certificate, i) => {
    const issuer = certificates[i + 1];
    return issuer !== undefined && !isSignedBy(certificate, issuer.spkiDer);
  });
  if (broken !== -1) return `certificate ${broken + 1} was not signed by the one behind it`;
  const root = certificates.slice(1).at(-1);
  const isForged = root !== undefined && isSelfIssued(root) && !isSignedBy(root, root.spkiDer);
  return isForged ? "the last certificate was not signed by itself" : undefined;
}

interface Found {
  readonly signer: Certificate;
  readonly timeStamp?: SignatureTimeStamp;
  /** Undefined when nobody could be asked. */
  readonly trust: readonly Check[] | undefined;
}

function outcome(made: readonly Check[], names: readonly string[], found?: Found): DsseVerification {
  const checks = complete(made, found?.trust ? names : [...names, TRUST]);
  return { ok: checks.every(({ ok }) => ok), checks, signer: found?.signer, timeStamp: found?.timeStamp };
}
