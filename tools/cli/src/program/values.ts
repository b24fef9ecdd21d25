import { type Digest, isDigest, MIN_SHARD_OCTETS } from "@vcc-pki/artefact";
import { parseDuration } from "@vcc-pki/time";
import { InvalidArgumentError } from "commander";

/** Values of options that are more than text. Each throws InvalidArgumentError, which commander reports as wrong usage. */

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("It must be a whole number above 0.");
  }
  return value;
}

export const naturalNumber = (text: string): number => (text === "0" ? 0 : positiveInteger(text));

/** The number of one of an authority's lists. */
export function shard(text: string): number {
  const value = naturalNumber(text);
  if (value > 65_535) throw new InvalidArgumentError("There are not so many.");
  return value;
}

/** "24h", "30d" in milliseconds. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is ${(error as Error).message}.`);
  }
}

/** RFC 3339 in UTC, or a date alone, which means midnight UTC. */
export function moment(text: string): Date {
  const value = new Date(text);
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z)?$/.test(text) || Number.isNaN(value.getTime())) {
    throw new InvalidArgumentError("It must be a date such as 2026-11-01 or 2026-11-01T12:00:00Z.");
  }
  return value;
}

const OID = /^([01]\.[1-3]?\d|2\.(0|[1-9]\d{0,8}))(\.(0|[1-9]\d{0,8})){1,30}$/;

/** An object identifier, dotted. */
export function objectIdentifier(text: string): string {
  if (!OID.test(text)) throw new InvalidArgumentError("It must be an object identifier such as 1.3.6.1.4.1.32473.1.");
  return text;
}

export function digest(text: string): Digest {
  if (!isDigest(text)) throw new InvalidArgumentError("It must be sha256: and 64 lower-case hex digits.");
  return text;
}

const SIZES = { MB: 1_000_000, MiB: 1 << 20, GB: 1_000_000_000, GiB: 1 << 30 } as const;

/** "64MiB", "1GB" in octets. */
export function size(text: string): number {
  const [, count = "", unit = ""] = /^([1-9]\d{0,5})(MB|MiB|GB|GiB)$/.exec(text) ?? [];
  if (unit === "") throw new InvalidArgumentError("It must be a size such as 1GB or 64MiB.");
  const octets = Number(count) * SIZES[unit as keyof typeof SIZES];
  if (octets < MIN_SHARD_OCTETS) throw new InvalidArgumentError("It must be 1 MiB at the least.");
  return octets;
}
