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

/** Less is not worth a word. */
const MUCH_OCTETS = 1_000_000;

/** Runs a hashing and shows how far it is; says at the end what it did not have to do again. */
export async function hashingOf<T>(
  what: string,
  output: Output,
  work: (onProgress: (progress: HashProgress) => void) => Promise<T>,
): Promise<T> {
  let latest: HashProgress | undefined;
  const hashing = work((progress) => {
    latest = progress;
  });
  const done = await output.during(`hashing ${what}`, hashing, () => (latest ? progressText(latest) : ""));
  const { rememberedOctets = 0, totalOctets = 0 } = latest ?? {};
  if (rememberedOctets >= MUCH_OCTETS) {
    const all = sizeText(rememberedOctets + totalOctets);
    output.note(
      `${sizeText(rememberedOctets)} of ${all} were hashed before and have not changed (--no-cache: all again)`,
    );
  }
  return done;
}
