import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import { readFractionalTime } from "../der/time.ts";
import { type Extension, readExtensions } from "../extensions/extension.ts";
import { type GeneralNames, readOneGeneralName } from "../names/general-names.ts";
import { type ForeignMessageImprint, readMessageImprint } from "./message-imprint.ts";

/** Up to 160 bits (RFC 3161 section 2.4.2), and a sign octet. */
export const MAX_SERIAL_OCTETS = 21;

/** Largest deviation of genTime from UTC, in parts that add up. */
export interface Accuracy {
  readonly seconds?: number;
  /** 1 to 999; 0 is the same as absent. */
  readonly millis?: number;
  /** 1 to 999; 0 is the same as absent. */
  readonly micros?: number;
}

/** What a time stamp says (RFC 3161 section 2.4.2). Byte fields share the input's memory. */
export interface TstInfo {
  /** Dotted. */
  readonly policy: string;
  readonly messageImprint: ForeignMessageImprint;
  /** Content octets of the INTEGER. */
  readonly serial: Uint8Array;
  /** Cut off at the millisecond. */
  readonly genTime: Date;
  readonly accuracy: Accuracy | undefined;
  readonly ordering: boolean;
  /** Content octets of the INTEGER. */
  readonly nonce: Uint8Array | undefined;
  /** The authority's name as it gives it, one: a hint at who signed, which is proven otherwise. */
  readonly tsa: GeneralNames | undefined;
  readonly extensions: readonly Extension[];
}

/**
 * TSTInfo ::= SEQUENCE { version INTEGER { v1(1) }, policy TSAPolicyId, messageImprint, serialNumber INTEGER, genTime GeneralizedTime,
 *   accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL, tsa [0] EXPLICIT GeneralName OPTIONAL,
 *   extensions [1] IMPLICIT Extensions OPTIONAL }. Throws DER_MALFORMED.
 */
export function parseTstInfo(der: Uint8Array): TstInfo {
  return DerReader.whole(der, TAG.SEQUENCE, (reader) => {
    if (reader.smallInteger() !== 1) throw malformed("TSTInfo is not of version 1");
    const policy = reader.oid();
    const messageImprint = readMessageImprint(reader);
    const serial = readTokenSerial(reader);
    const genTime = readFractionalTime(reader);
    const accuracy = reader.optional(TAG.SEQUENCE, readAccuracy);
    const ordering = reader.booleanDefaultFalse();
    const nonce = reader.nextIs(TAG.INTEGER) ? reader.integer() : undefined;
    const tsa = reader.optional(constructedContext(0), readOneGeneralName);
    const extensions = reader.nextIs(constructedContext(1)) ? readExtensions(reader, constructedContext(1)) : [];
    return { policy, messageImprint, serial, genTime, accuracy, ordering, nonce, tsa, extensions };
  });
}

function readTokenSerial(reader: DerReader): Uint8Array {
  const serial = reader.integer();
  if ((serial[0] as number) >= 0x80) throw malformed("serial number is negative");
  if (serial.length > MAX_SERIAL_OCTETS) throw malformed("serial number is longer than 160 bits");
  return serial;
}

/** Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999) OPTIONAL, micros [1] INTEGER (1..999) OPTIONAL } */
function readAccuracy(reader: DerReader): Accuracy {
  const seconds = reader.nextIs(TAG.INTEGER) ? reader.smallInteger() : 0;
  const [millis, micros] = [0, 1].map((number) => {
    const tag = primitiveContext(number);
    if (!reader.nextIs(tag)) return 0;
    const part = reader.smallInteger(tag);
    if (part < 1 || part > 999) throw malformed("part of the accuracy is not 1 to 999");
    return part;
  });
  return { seconds, millis, micros };
}
