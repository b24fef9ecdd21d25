import { type Failure, failure, type Leap, type Measurement } from "./source.ts";

/** What a time daemon says of the clock it disciplines; when that was is the caller's to add. */
export type DaemonReport = Omit<Measurement, "monotonicMs"> | Failure;

const CHRONY_LEAPS: Readonly<Record<string, Leap>> = {
  Normal: "none",
  "Insert second": "insert",
  "Delete second": "delete",
};
/** chronyd follows nobody but itself (chrony.conf, "local"). */
const CHRONY_LOCAL = "7F7F0101";

/** Reads the one line of `chronyc -c tracking`: reference, its name, stratum, time of the last update, the clock's correction, last and root
 *  mean square offset, frequency, its residue and skew, root delay and dispersion, update interval, leap status; seconds. The correction is
 *  positive when the clock is slow. The error bound is the one of chronyc(1): correction + root dispersion + root delay / 2. */
export function parseChronyTracking(text: string): DaemonReport {
  const fields = text.trim().split(",");
  const [reference = "", , stratum = "", , correction = ""] = fields;
  const [rootDelay = "", rootDispersion = "", , leapStatus = ""] = fields.slice(10);
  if (fields.length !== 14) return failure("malformed", `${fields.length} fields`);
  const leap = CHRONY_LEAPS[leapStatus];
  if (leap === undefined || reference === CHRONY_LOCAL)
    return failure("not-synchronised", leap === undefined ? leapStatus.slice(0, 40) : "follows itself");
  return toReport(reference.toLowerCase(), leap, [stratum, correction, rootDelay, rootDispersion], 1_000);
}

/** The two bits of RFC 5905 section 7.3 as ntpq prints them: in binary, or as a number in newer ones. */
const NTPD_LEAPS: Readonly<Record<string, Leap>> = { "00": "none", "01": "insert", "10": "delete" };
const NTPD_LEAP_NUMBERS: Readonly<Record<string, Leap>> = { "0": "none", "1": "insert", "2": "delete" };

/** Reads the system variables of ntpd as `ntpq -c rv` prints them (RFC 9327 section 4): name=value, separated by commas, in milliseconds.
 *  The offset is positive when the clock is slow. */
export function parseNtpdVariables(text: string): DaemonReport {
  const values = new Map([...text.matchAll(/\b(\w+)=("[^"]*"|[^,\s]*)/g)].map(([, name, value]) => [name, value]));
  const of = (name: string) => values.get(name) ?? "";
  const leap = NTPD_LEAPS[of("leap")] ?? NTPD_LEAP_NUMBERS[of("leap")];
  if (of("leap") === "") return failure("malformed", "no leap");
  if (leap === undefined) return failure("not-synchronised", `leap ${of("leap").slice(0, 40)}`);
  return toReport(of("refid"), leap, [of("stratum"), of("offset"), of("rootdelay"), of("rootdisp")], 1);
}

/** `numbers`: stratum, offset, root delay, root dispersion, the last three in units of so many milliseconds. */
function toReport(reference: string, leap: Leap, numbers: readonly string[], unitMs: number): DaemonReport {
  if (!numbers.every((text) => /^[+-]?\d+(\.\d+)?$/.test(text))) return failure("malformed", "not a number");
  const [stratum = 0, offset = 0, rootDelay = 0, rootDispersion = 0] = numbers.map(Number);
  if (stratum < 1 || stratum > 15) return failure("not-synchronised", `stratum ${stratum}`);
  if (rootDelay < 0 || rootDispersion < 0) return failure("malformed", "a negative bound");
  const rootDelayMs = rootDelay * unitMs;
  const rootDispersionMs = rootDispersion * unitMs;
  return {
    status: "measured",
    ...{ offsetMs: offset * unitMs, errorMs: rootDelayMs / 2 + rootDispersionMs, leap, stratum, reference },
    ...{ delayMs: 0, rootDelayMs, rootDispersionMs },
  };
}
