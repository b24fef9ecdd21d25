import { PkiError } from "@vcc-pki/errors";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 365 * 86_400_000 } as const;

/** "90d", "24h", "1h30m", "500ms", "2y" (a year is 365 days) to milliseconds. Throws CONFIG_INVALID on anything else. */
export function parseDuration(text: string): number {
  if (!/^(\d+(ms|[smhdy]))+$/.test(text)) {
    throw new PkiError("CONFIG_INVALID", `not a duration: "${text}" (write 90d, 24h, 1h30m, 500ms)`);
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[smhdy])/g)) {
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return total;
}

/** Milliseconds to the two largest units, for people: 93 600 000 is "1d 2h". */
export function formatDuration(ms: number): string {
  const parts: string[] = [];
  let rest = Math.abs(ms);
  for (const unit of ["d", "h", "m", "s", "ms"] as const) {
    const amount = Math.floor(rest / UNIT_MS[unit]);
    rest -= amount * UNIT_MS[unit];
    if (amount > 0) parts.push(`${amount}${unit}`);
    if (parts.length === 2) break;
  }
  return (ms < 0 ? "-" : "") + (parts.join(" ") || "0s");
}
