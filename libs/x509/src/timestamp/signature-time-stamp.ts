import { hash } from "node:crypto";
import { type Check, failed, faultsText, passed } from "../cms/check.ts";
import {
  TIME_STAMP_CHECKS,
  type TimeStampQuestion,
  type TimeStampVerification,
  verifyTimeStampToken,
} from "./verify.ts";

/** Who may have stamped, and under which policies. */
export type SignatureTimeStampQuestion = Pick<TimeStampQuestion, "policies" | "certificates" | "trust">;

const PRESENT = "time-stamp-present";
const STAMP = "time-stamp";
const BINDS = "time-stamp-binds-signature";
const TRUSTED = "time-stamp-trust";
const MESSAGE_IMPRINT = "message-imprint";

/** Names of what is looked at in the time stamp of a signature. */
export const SIGNATURE_TIME_STAMP_CHECKS: readonly string[] = [PRESENT, STAMP, BINDS, TRUSTED];

export interface SignatureTimeStamp {
  /** Those of SIGNATURE_TIME_STAMP_CHECKS, in order, until one could not be made. */
  readonly checks: readonly Check[];
  /** When the signature was there already; undefined unless every check holds. */
  readonly at: Date | undefined;
  /** All that was looked at in the token. */
  readonly verification: TimeStampVerification | undefined;
}

/** Looks at the one time stamp of a signature: a token over the octets of the signature value, under any hash of ours. Where there are
 *  none, or several to choose from, it is not taken for stamped. Throws for nothing that a token holds. */
export function verifySignatureTimeStamp(
  tokenDers: readonly Uint8Array[],
  signature: Uint8Array,
  question: SignatureTimeStampQuestion,
): SignatureTimeStamp {
  const [tokenDer, second] = tokenDers;
  if (tokenDer === undefined || second !== undefined) {
    return { checks: [failed(PRESENT, `there are ${tokenDers.length}`)], at: undefined, verification: undefined };
  }
  const verification = verifyTimeStampToken(tokenDer, {
    ...question,
    messageImprint: (algorithm) => hash(algorithm, signature, "buffer"),
  });
  const outcome = (name: string, isOurs: (check: string) => boolean): Check => {
    const faults = faultsText(verification.checks.filter((check) => isOurs(check.name)));
    return faults === "" ? passed(name) : failed(name, faults);
  };
  const checks = [
    passed(PRESENT),
    outcome(STAMP, (name) => TIME_STAMP_CHECKS.includes(name) && name !== MESSAGE_IMPRINT),
    outcome(BINDS, (name) => name === MESSAGE_IMPRINT),
    outcome(TRUSTED, (name) => !TIME_STAMP_CHECKS.includes(name)),
  ];
  return { checks, at: verification.ok ? verification.tstInfo?.genTime : undefined, verification };
}
