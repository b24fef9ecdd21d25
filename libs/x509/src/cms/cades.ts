import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "../certificate.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { decodeString } from "../der/strings.ts";
import { TAG } from "../der/tags.ts";
import { readTime } from "../der/time.ts";
import type { HashAlgorithm } from "../hash-algorithms.ts";
import { OID } from "../oids.ts";
import { askTrust, TRUST, type TrustCheck } from "../path/trust.ts";
import {
  SIGNATURE_TIME_STAMP_CHECKS,
  type SignatureTimeStamp,
  type SignatureTimeStampQuestion,
  verifySignatureTimeStamp,
} from "../timestamp/signature-time-stamp.ts";
import { buildAttribute } from "./attributes.ts";
import { type Check, complete, failed, type NamedCheck, passed, runCheck } from "./check.ts";
import { lookForSigner, ONE_SIGNER_CHECKS } from "./one-signer.ts";
import { parseSignedData, type SignedData, type SignerInfo } from "./signed-data.ts";
import { attributeValue, SIGNER_CHECKS, type SignedBy, signedBy } from "./signer-checks.ts";

/** Ours have some 5 KiB. */
const MAX_SIGNATURE_OCTETS = 256 * 1024;

/** What a signature must be about, and who may have made it. */
export interface CadesQuestion {
  /** What was signed, or its digest; that has to be of the hash that the signer uses. */
  readonly content: Uint8Array | { readonly hash: HashAlgorithm; readonly digest: Uint8Array };
  /** What the signer has to say of what kind it is (EN 319 122-1 section 5.2.5), so that what was signed as one thing is not taken for another.
   *  Absent: the signer says nothing. */
  readonly mimeType?: string | undefined;
  /** Certificates beside those in the signature. */
  readonly certificates?: readonly Certificate[];
  /** Asked about the signer at the time of the time stamp. */
  readonly trust: TrustCheck;
  readonly timeStamp: SignatureTimeStampQuestion;
}

export interface CadesVerification {
  /** Every check holds. */
  readonly ok: boolean;
  /** In a fixed order, each of CADES_CHECKS and then those of trust. */
  readonly checks: readonly Check[];
  /** The certificate that every check was made with; undefined when it was not found. */
  readonly signer: Certificate | undefined;
  /** The signature value, which is what is stamped. */
  readonly signature: Uint8Array | undefined;
  readonly timeStamp: SignatureTimeStamp | undefined;
}

/** The attribute signature-time-stamp (EN 319 122-1 section 5.3, RFC 3161 appendix A): a token over the octets of the signature value. It
 *  goes among the unsigned attributes. */
export const buildSignatureTimeStamp = (tokenDer: Uint8Array): Uint8Array =>
  buildAttribute(OID.timeStampToken, (writer) => writer.raw(tokenDer));

type Subject = SignedBy & Pick<CadesQuestion, "mimeType">;

/** What CAdES-B-B asks for beside a sound CMS signature (EN 319 122-1 section 6.3). */
const BASELINE_CHECKS: readonly NamedCheck<Subject>[] = [
  ...SIGNER_CHECKS,
  [
    "detached",
    ({ signedData }) => {
      if (signedData.contentType !== OID.data) return "the content is not id-data";
      return signedData.content === undefined ? undefined : "the content is in the message";
    },
  ],
  [
    "signing-time",
    ({ signerInfo }) =>
      readSigned(signerInfo, OID.signingTime, readTime) === undefined ? "it is not said" : undefined,
  ],
  [
    "mime-type",
    ({ signerInfo, mimeType }) => {
      const octets = readSigned(signerInfo, OID.mimeType, (reader) => reader.content(TAG.UTF8_STRING));
      const said = octets && decodeString(TAG.UTF8_STRING, octets);
      return said === mimeType ? undefined : `it is ${said ?? "not said"}`;
    },
  ],
];

/** What a signed attribute says; undefined when it is absent. Throws DER_MALFORMED. */
function readSigned<T>(signerInfo: SignerInfo, oid: string, read: (reader: DerReader) => T): T | undefined {
  const value = attributeValue(signerInfo, oid);
  if (value === undefined) return undefined;
  const reader = DerReader.over(value);
  const what = read(reader);
  reader.end();
  return what;
}

const WELL_FORMED = "well-formed";

/** Names of what is looked at in a signature. */
export const CADES_CHECKS: readonly string[] = [
  WELL_FORMED,
  ...ONE_SIGNER_CHECKS,
  ...BASELINE_CHECKS.map(([name]) => name),
  ...SIGNATURE_TIME_STAMP_CHECKS,
];

/** Looks at everything that makes a detached CMS signature one of the level CAdES-B-T over what is asked (EN 319 122-1 section 6), with one
 *  signer and one time stamp. The signer is judged at the time of the time stamp and at no other; the signing time that he claims decides
 *  nothing. Does not throw: octets that are no signature fail the first check; a check that cannot be made fails as well. */
export function verifyCadesSignature(der: Uint8Array, question: CadesQuestion): CadesVerification {
  let signedData: SignedData;
  try {
    signedData = parseSignedData(der, MAX_SIGNATURE_OCTETS);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return outcome([failed(WELL_FORMED, error.message)]);
  }
  const checks = [passed(WELL_FORMED)];
  const { checks: who, found } = lookForSigner(signedData, question.certificates);
  checks.push(...who);
  if (found === undefined) return outcome(checks);

  const { signerInfo, signer, others } = found;
  const signed = signedBy({ signedData, signerInfo, signer, contentDigest: digestOf(question) });
  const subject: Subject = { ...signed, mimeType: question.mimeType };
  checks.push(...BASELINE_CHECKS.map((check) => runCheck(check, subject)));

  const timeStamp = verifySignatureTimeStamp(tokensOf(signerInfo), signerInfo.signature, question.timeStamp);
  checks.push(...timeStamp.checks);
  if (timeStamp.at !== undefined) checks.push(...askTrust(question.trust, signer, others, timeStamp.at));
  return outcome(checks, { signer, signature: signerInfo.signature, timeStamp });
}

const tokensOf = ({ unsignedAttributes }: SignerInfo): readonly Uint8Array[] =>
  unsignedAttributes.filter(({ oid }) => oid === OID.timeStampToken).flatMap(({ values }) => values);

function digestOf({ content }: CadesQuestion): (algorithm: HashAlgorithm) => Uint8Array {
  if (content instanceof Uint8Array) return (algorithm) => hash(algorithm, content, "buffer");
  return (algorithm) => {
    if (algorithm !== content.hash) throw malformed(`the digest is under ${algorithm}, not ${content.hash}`);
    return content.digest;
  };
}

const NOTHING_FOUND = { signer: undefined, signature: undefined, timeStamp: undefined };

function outcome(
  made: readonly Check[],
  found: Pick<CadesVerification, "signer" | "signature" | "timeStamp"> = NOTHING_FOUND,
): CadesVerification {
  const isJudged = found.timeStamp?.at !== undefined;
  const checks = complete(made, isJudged ? CADES_CHECKS : [...CADES_CHECKS, TRUST]);
  return { ok: checks.every(({ ok }) => ok), checks, ...found };
}
