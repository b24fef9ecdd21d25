import { describe, expect, it } from "vitest";
import { DerReader } from "./reader.ts";
import { TAG } from "./tags.ts";
import { readGeneralizedTime, readTime } from "./time.ts";
import { encode } from "./writer.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const text = (tag: number, digits: string) => DerReader.over(encode((writer) => writer.utf8(tag, digits)));

describe("Time", () => {
  it.each([
    ["1950-01-01T00:00:00Z", TAG.UTC_TIME, "500101000000Z"],
    ["1949-12-31T23:59:59Z", TAG.GENERALIZED_TIME, "19491231235959Z"],
    ["2026-11-23T23:59:59Z", TAG.UTC_TIME, "261123235959Z"],
    ["2049-12-31T23:59:59.999Z", TAG.UTC_TIME, "491231235959Z"],
    ["2050-01-01T00:00:00Z", TAG.GENERALIZED_TIME, "20500101000000Z"],
    ["9999-12-31T23:59:59Z", TAG.GENERALIZED_TIME, "99991231235959Z"],
  ])("writes %s under tag %d as %s", (iso, tag, digits) => {
    const der = encode((writer) => writer.time(new Date(iso)));
    expect(der[0]).toBe(tag);
    expect(Buffer.from(der.subarray(2)).toString()).toBe(digits);
  });

  it("reads both types", () => {
    expect(readTime(text(TAG.UTC_TIME, "491231235959Z"))).toEqual(new Date("2049-12-31T23:59:59Z"));
    expect(readTime(text(TAG.UTC_TIME, "500101000000Z"))).toEqual(new Date("1950-01-01T00:00:00Z"));
    expect(readTime(text(TAG.GENERALIZED_TIME, "20500228000000Z"))).toEqual(new Date("2050-02-28T00:00:00Z"));
    expect(readGeneralizedTime(text(TAG.GENERALIZED_TIME, "00010101000000Z")).getUTCFullYear()).toBe(1);
  });

  it("reads every day that exists, and no other", () => {
    for (const year of [0, 99, 1900, 2000, 2027, 2028, 9999]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const [y, m, d] = [String(year).padStart(4, "0"), ...[month, day].map((n) => String(n).padStart(2, "0"))];
          const read = () => readGeneralizedTime(text(TAG.GENERALIZED_TIME, `${y}${m}${d}235959Z`));
          const iso = `${y}-${m}-${d}T23:59:59.000Z`;
          // Date.parse takes 30 February for 2 March; what it prints is another day then.
          const exists = new Date(iso).getTime() > Number.NEGATIVE_INFINITY && new Date(iso).toISOString() === iso;
          if (exists) expect(read()).toEqual(new Date(iso));
          else expect(read).toThrow(malformed);
        }
      }
    }
  });

  it.each([
    ["without seconds", TAG.UTC_TIME, "2611232359Z"],
    ["with an offset", TAG.UTC_TIME, "261123235959+0100"],
    ["without zone", TAG.UTC_TIME, "261123235959"],
    ["in lower case", TAG.UTC_TIME, "261123235959z"],
    ["not of digits", TAG.UTC_TIME, "26112323 959Z"],
    ["on 30 February", TAG.UTC_TIME, "260230000000Z"],
    ["on 29 February of a common year", TAG.UTC_TIME, "270229000000Z"],
    ["in month 13", TAG.UTC_TIME, "261301000000Z"],
    ["on day 0", TAG.UTC_TIME, "260100000000Z"],
    ["at 24:00", TAG.UTC_TIME, "260101240000Z"],
    ["in a leap second", TAG.UTC_TIME, "161231235960Z"],
    ["of the wrong type", TAG.GENERALIZED_TIME, "20491231235959Z"],
    ["with a fraction", TAG.GENERALIZED_TIME, "20500101000000.5Z"],
    ["as another type", TAG.UTF8_STRING, "261123235959Z"],
  ])("refuses a time %s", (_, tag, digits) => expect(() => readTime(text(tag, digits))).toThrow(malformed));

  it.each([new Date(Number.NaN), new Date(Date.UTC(10_000, 0)), new Date(Date.UTC(-1, 0))])(
    "does not write %s",
    (date) => {
      expect(() => encode((writer) => writer.generalizedTime(date))).toThrow(RangeError);
      expect(() => encode((writer) => writer.time(date))).toThrow(RangeError);
    },
  );
});
