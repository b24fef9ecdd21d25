import type { HashProgress } from "@vcc-pki/client";
import { formatDuration } from "@vcc-pki/time";
import type { Output } from "./session.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** "63 %, 1.1 GB/s, 3s left". */
export function progressText({ doneOctets, totalOctets, octetsPerSecond, remainingMs }: HashProgress): string {
  const share = totalOctets === 0 ? 100 : Math.floor((100 * doneOctets) / totalOctets);
  const left = remainingMs === undefined ? [] : [`${formatDuration(Math.ceil(remainingMs / 1_000) * 1_000)} left`];
  return [`${share} %`, `${sizeText(octetsPerSecond)}/s`, ...left].join(", ");
}

/** Two significant digits at the least: "1.1 GB", "640 MB". */
export function sizeText(octets: number): string {
  let value = octets;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** Runs a hashing and shows how far it is. */
export async function hashingOf<T>(
  what: string,
  output: Output,
  work: (onProgress: (progress: HashProgress) => void) => Promise<T>,
): Promise<T> {
  let latest: HashProgress | undefined;
  const hashing = work((progress) => {
    latest = progress;
  });
  return output.during(`hashing ${what}`, hashing, () => (latest ? progressText(latest) : ""));
}
