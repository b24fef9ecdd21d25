import { PkiError } from "@vcc-pki/errors";
import {
  type Accuracy,
  faultsText,
  type MessageImprint,
  PKI_FAILURE_INFO,
  type PkiFailureInfo,
  parseTimeStampResp,
  serialToHex,
  type TrustCheck,
  verifyTimeStampToken,
} from "@vcc-pki/x509";

/** What may be refused while things are killed: nothing signs, or the clock was not looked at yet. */
export const NAMED_REFUSALS: readonly PkiFailureInfo[] = ["systemFailure", "timeNotAvailable"];

/** A request and what its token must be. */
export interface Question {
  readonly messageImprint: MessageImprint;
  /** Absent: none was sent. */
  readonly nonce?: Uint8Array;
  readonly policies: readonly string[];
  readonly trust: TrustCheck;
  /** By the wall clock, when it was first sent. */
  readonly sentAt: Date;
}

export type Outcome =
  | { readonly kind: "token"; readonly tokenDer: Uint8Array; readonly serialHex: string }
  | { readonly kind: "refused"; readonly failInfo: PkiFailureInfo }
  /** An answer that must not be. */
  | { readonly kind: "fault"; readonly fault: string };

const fault = (message: string): Outcome => ({ kind: "fault", fault: message });

/** Judges a TimeStampResp that was there at `receivedAt`: a token that is good in every respect and was made in between, or a refusal that
 *  may be. */
export function judgeResponse(responseDer: Uint8Array, question: Question, receivedAt: Date): Outcome {
  try {
    const { status, failInfoBits, tokenDer } = parseTimeStampResp(responseDer);
    if (tokenDer !== undefined) return judgeToken(tokenDer, question, receivedAt);
    const failInfo = NAMED_REFUSALS.find((name) => failInfoBits.includes(PKI_FAILURE_INFO[name]));
    if (status === "rejection" && failInfo !== undefined && failInfoBits.length === 1)
      return { kind: "refused", failInfo };
    return fault(`${status} with the bits ${failInfoBits.join(", ")} of PKIFailureInfo`);
  } catch (error) {
    if (error instanceof PkiError) return fault(`${error.code} ${error.message}`);
    throw error;
  }
}

/** The same of a token by itself. */
export function judgeToken(tokenDer: Uint8Array, question: Question, receivedAt: Date): Outcome {
  const { ok, checks, tstInfo } = verifyTimeStampToken(tokenDer, question);
  if (!ok || tstInfo === undefined) return fault(`the token is not good: ${faultsText(checks)}`);
  const accuracyMs = inMs(tstInfo.accuracy);
  const [earliest, latest] = [question.sentAt.getTime() - accuracyMs, receivedAt.getTime() + accuracyMs];
  const genTimeMs = tstInfo.genTime.getTime();
  if (genTimeMs < earliest || genTimeMs > latest)
    return fault(`genTime ${tstInfo.genTime.toISOString()} is not when it was asked for`);
  return { kind: "token", tokenDer, serialHex: serialToHex(tstInfo.serial) };
}

const inMs = ({ seconds = 0, millis = 0, micros = 0 }: Accuracy = {}): number =>
  seconds * 1_000 + millis + micros / 1_000;
