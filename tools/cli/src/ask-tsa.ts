import { randomBytes } from "node:crypto";
import { fetchPublic } from "@vcc-pki/client";
import { type ErrorCode, PkiError } from "@vcc-pki/errors";
import {
  buildTimeStampReq,
  type Certificate,
  faultsText,
  type MessageImprint,
  PKI_FAILURE_INFO,
  type PkiFailureInfo,
  parseTimeStampResp,
  type TimeStampResp,
  type TimeStampVerification,
  type TrustCheck,
  verifyTimeStampToken,
} from "@vcc-pki/x509";
import { printable } from "./table.ts";

export interface TsaQuestion {
  readonly url: string;
  readonly messageImprint: MessageImprint;
  /** Dotted; absent: the one the tsa takes by itself. */
  readonly policy: string | undefined;
  /** Beside those in the token. */
  readonly certificates: readonly Certificate[];
  readonly trust: TrustCheck;
}

export interface TsaAnswer {
  /** DER of the TimeStampResp, as it came. */
  readonly responseDer: Buffer;
  /** In which everything holds. */
  readonly verification: TimeStampVerification;
}

const NONCE_OCTETS = 16;
const MAX_RESPONSE_BYTES = 72 * 1024;

/** A time stamp over HTTP (RFC 3161 section 3.4), with a nonce and the unit's certificate, believed only when it is one for this very question.
 *  Throws SIGNATURE_INVALID with the checks that fail, DER_MALFORMED, PEER_UNAVAILABLE, and for a refusal its code in REFUSALS. */
export async function askTsa({ url, messageImprint, policy, ...trusted }: TsaQuestion): Promise<TsaAnswer> {
  const nonce = newNonce();
  const bytes = buildTimeStampReq({ messageImprint, nonce, certReq: true, ...(policy && { reqPolicy: policy }) });
  const responseDer = await fetchPublic({
    ...{ url, accept: "application/timestamp-reply", maxBytes: MAX_RESPONSE_BYTES },
    body: { type: "application/timestamp-query", bytes },
  });
  const response = parseTimeStampResp(new Uint8Array(responseDer));
  if (response.tokenDer === undefined) throw new PkiError(codeOf(response), `${url} refuses: ${refusalText(response)}`);
  const policies = policy === undefined ? undefined : [policy];
  const verification = verifyTimeStampToken(response.tokenDer, { messageImprint, nonce, policies, ...trusted });
  if (verification.ok) return { responseDer, verification };
  throw new PkiError("SIGNATURE_INVALID", `the answer of ${url} does not hold (${faultsText(verification.checks)})`);
}

/** Content octets of an INTEGER that is positive and in its shortest form. */
function newNonce(): Uint8Array {
  const octets = new Uint8Array(randomBytes(NONCE_OCTETS));
  octets[0] = ((octets[0] as number) & 0x3f) | 0x40;
  return octets;
}

const REFUSALS = {
  badAlg: "ALGORITHM_NOT_ALLOWED",
  badRequest: "REQUEST_MALFORMED",
  badDataFormat: "REQUEST_MALFORMED",
  timeNotAvailable: "TIME_NOT_AVAILABLE",
  unacceptedPolicy: "REQUEST_MALFORMED",
  unacceptedExtension: "REQUEST_MALFORMED",
  addInfoNotAvailable: "REQUEST_MALFORMED",
  systemFailure: "PEER_UNAVAILABLE",
} as const satisfies Record<PkiFailureInfo, ErrorCode>;

function codeOf(response: TimeStampResp): ErrorCode {
  const [failInfo] = failInfosOf(response);
  return failInfo === undefined ? "PEER_UNAVAILABLE" : REFUSALS[failInfo];
}

/** "unacceptedPolicy: policy 1.2.3 is not one of ours" */
export const refusalText = (response: TimeStampResp): string =>
  printable([failInfosOf(response).join(", ") || response.status, ...response.statusStrings].join(": "));

const failInfosOf = ({ failInfoBits }: TimeStampResp): PkiFailureInfo[] =>
  (Object.keys(PKI_FAILURE_INFO) as PkiFailureInfo[]).filter((name) => failInfoBits.includes(PKI_FAILURE_INFO[name]));
