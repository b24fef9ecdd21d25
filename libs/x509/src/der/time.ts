import { malformed } from "./malformed.ts";
import type { DerReader } from "./reader.ts";
import { TAG } from "./tags.ts";

/** Time of RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, Z. DER_MALFORMED. */
export function readTime(reader: DerReader): Date {
  if (reader.nextIs(TAG.GENERALIZED_TIME)) {
    const date = readGeneralizedTime(reader);
    if (date.getUTCFullYear() < 2050) throw malformed("GeneralizedTime before 2050");
    return date;
  }
  const content = reader.content(TAG.UTC_TIME);
  if (content.length !== 13) throw malformed("UTCTime is not YYMMDDHHMMSSZ");
  const year = twoDigits(content, 0);
  return dateAt(content, 2, year < 50 ? 2000 + year : 1900 + year);
}

/** GeneralizedTime as RFC 5280 section 4.1.2.5.2 restricts it: whole seconds, Z. DER_MALFORMED. */
export function readGeneralizedTime(reader: DerReader, tag: number = TAG.GENERALIZED_TIME): Date {
  const content = reader.content(tag);
  if (content.length !== 15) throw malformed("GeneralizedTime is not YYYYMMDDHHMMSSZ");
  return dateAt(content, 4, twoDigits(content, 0) * 100 + twoDigits(content, 2));
}

/** MMDDHHMMSSZ from `offset` on. */
function dateAt(content: Uint8Array, offset: number, year: number): Date {
  const month = twoDigits(content, offset);
  const day = twoDigits(content, offset + 2);
  const hour = twoDigits(content, offset + 4);
  const minute = twoDigits(content, offset + 6);
  const second = twoDigits(content, offset + 8);
  if (content[offset + 10] !== 0x5a) throw malformed("time is not in UTC (Z)");
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const exists =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!exists) throw malformed("no such date");
  return date;
}

function twoDigits(content: Uint8Array, offset: number): number {
  const tens = (content[offset] as number) - 0x30;
  const ones = (content[offset + 1] as number) - 0x30;
  if (!(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) throw malformed("time is not made of digits");
  return tens * 10 + ones;
}
