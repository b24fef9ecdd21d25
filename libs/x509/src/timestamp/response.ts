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
