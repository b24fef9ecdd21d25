import { toLatin1 } from "./bytes.ts";
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

/** GeneralizedTime as RFC 3161 section 2.4.2 has it: Z, seconds, and if need be a fraction without trailing zeros. What is finer than a
 *  millisecond is cut off. DER_MALFORMED. */
export function readFractionalTime(reader: DerReader): Date {
  const content = reader.content(TAG.GENERALIZED_TIME);
  const [, seconds, fraction = ""] = /^(\d{14})(?:\.(\d{0,31}[1-9]))?Z$/.exec(toLatin1(content)) ?? [];
  if (seconds === undefined) throw malformed("GeneralizedTime is not YYYYMMDDHHMMSS[.s]Z");
  const whole = Uint8Array.from([...content.subarray(0, 14), 0x5a]);
  const date = dateAt(whole, 4, twoDigits(whole, 0) * 100 + twoDigits(whole, 2));
  return new Date(date.getTime() + Number(fraction.slice(0, 3).padEnd(3, "0")));
}

/** MMDDHHMMSSZ from `offset` on. */
function dateAt(content: Uint8Array, offset: number, year: number): Date {
  const month = twoDigits(content, offset);
  const day = twoDigits(content, offset + 2);
  const hour = twoDigits(content, offset + 4);
  const minute = twoDigits(content, offset + 6);
  const second = twoDigits(content, offset + 8);
  if (content[offset + 10] !== 0x5a) throw malformed("time is not in UTC (Z)");
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysOf(month, year);
  if (!isDate || hour > 23 || minute > 59 || second > 59) throw malformed("no such date");
  // Date.UTC takes the years 0 to 99 for the twentieth century; the calendar repeats after 400 years.
  return new Date(Date.UTC(year + 400, month - 1, day, hour, minute, second) - FOUR_CENTURIES_MS);
}

const FOUR_CENTURIES_MS = 146_097 * 86_400_000;

function daysOf(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function twoDigits(content: Uint8Array, offset: number): number {
  const tens = (content[offset] as number) - 0x30;
  const ones = (content[offset + 1] as number) - 0x30;
  if (!(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) throw malformed("time is not made of digits");
  return tens * 10 + ones;
}
