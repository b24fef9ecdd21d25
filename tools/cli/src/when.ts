import { formatDuration } from "@vcc-pki/time";

/** RFC 3339 as people read it, in UTC: "2026-11-01 00:00 UTC". */
export const date = (rfc3339: string | undefined): string =>
  rfc3339 === undefined ? "" : `${rfc3339.slice(0, 10)} ${rfc3339.slice(11, 16)} UTC`;

/** The moment, and how far away it is: "2026-11-01 00:00 UTC (in 29d 23h)". */
export function dateWithDistance(rfc3339: string | undefined, now: Date): string {
  if (rfc3339 === undefined) return "";
  const distanceMs = new Date(rfc3339).getTime() - now.getTime();
  const distance = formatDuration(Math.floor(Math.abs(distanceMs) / 1000) * 1000);
  return `${date(rfc3339)} (${distanceMs < 0 ? `${distance} ago` : `in ${distance}`})`;
}
