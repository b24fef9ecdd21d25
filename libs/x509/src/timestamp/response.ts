import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { decodeString } from "../der/strings.ts";
import { TAG } from "../der/tags.ts";
import { DerWriter, encode } from "../der/writer.ts";
import { PKI_FAILURE_INFO, type PkiFailureInfo } from "./fail-info.ts";

/** PKIStatus in the order of its numbers (RFC 3161 section 2.4.2). */
const PKI_STATUS = [
  "granted",
  "grantedWithMods",
  "rejection",
  "waiting",
  "revocationWarning",
  "revocationNotification",
] as const;

export type PkiStatus = (typeof PKI_STATUS)[number];

const MAX_RESPONSE_OCTETS = 72 * 1024;
const MAX_TEXTS = 16;

/** What a time-stamping authority answered. */
export interface TimeStampResp {
  readonly status: PkiStatus;
  /** For people. */
  readonly statusStrings: readonly string[];
  /** Numbers of the bits that are set; those we know have names in PKI_FAILURE_INFO. */
  readonly failInfoBits: readonly number[];
  /** DER of the TimeStampToken; there exactly when the status is granted or grantedWithMods. Not verified. */
  readonly tokenDer: Uint8Array | undefined;
}

/** Throws DER_MALFORMED, also when there is a token with a refusal or none with a grant. */
export function parseTimeStampResp(der: Uint8Array): TimeStampResp {
  const read = (response: DerReader): TimeStampResp => {
    const info = response.within(TAG.SEQUENCE, readStatusInfo);
    const tokenDer = response.atEnd ? undefined : response.element(TAG.SEQUENCE);
    const isGranted = info.status === "granted" || info.status === "grantedWithMods";
    if (isGranted !== (tokenDer !== undefined)) throw malformed("status and token do not go together");
    return { ...info, tokenDer };
  };
  return DerReader.whole(der, TAG.SEQUENCE, read, MAX_RESPONSE_OCTETS);
}

function readStatusInfo(info: DerReader): Omit<TimeStampResp, "tokenDer"> {
  const status = PKI_STATUS[info.smallInteger()];
  if (status === undefined) throw malformed("no such PKIStatus");
  const texts = info.nextIs(TAG.SEQUENCE) ? info.listOf(TAG.SEQUENCE, readText) : [];
  if (texts.length > MAX_TEXTS) throw malformed("too many texts");
  const failInfoBits = info.nextIs(TAG.BIT_STRING) ? info.namedBits() : [];
  return { status, statusStrings: texts, failInfoBits };
}

const readText = (list: DerReader): string => decodeString(TAG.UTF8_STRING, list.content(TAG.UTF8_STRING)) ?? "";

/** PKIStatusInfo of status granted. */
const GRANTED = Uint8Array.of(0x30, 3, TAG.INTEGER, 1, 0);

/** TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL };
 *  PKIStatusInfo ::= SEQUENCE { status PKIStatus, statusString SEQUENCE OF UTF8String OPTIONAL, failInfo BIT STRING OPTIONAL }
 *  (RFC 3161 section 2.4.2) */
export const timeStampResp = {
  /** DER of a response with this token. */
  granted(tokenDer: Uint8Array): Buffer {
    const writer = new DerWriter(tokenDer.length + 16);
    writer.raw(tokenDer);
    writer.raw(GRANTED);
    writer.wrap(TAG.SEQUENCE, 0);
    return writer.take();
  },

  /** DER of a response with status rejection, without token. */
  refused(failInfo: PkiFailureInfo, text: string): Uint8Array {
    return encode((writer) => {
      writer.namedBits([PKI_FAILURE_INFO[failInfo]]);
      const end = writer.mark();
      writer.utf8(TAG.UTF8_STRING, text);
      writer.wrap(TAG.SEQUENCE, end);
      writer.integer(PKI_STATUS.indexOf("rejection"));
      for (const _ of ["PKIStatusInfo", "TimeStampResp"]) writer.wrap(TAG.SEQUENCE, 0);
    }, 256);
  },
} as const;
