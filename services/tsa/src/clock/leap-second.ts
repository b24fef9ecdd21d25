const SECOND_MS = 1_000;

/** When a leap second that is announced at `wallMs` takes place: at the beginning of this moment, the first of a month (ITU-R TF.460). A month
 *  that has just begun is meant itself, because announcements outlive the event by a little. */
export function leapMomentMs(wallMs: number): number {
  const date = new Date(wallMs - 2 * SECOND_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** How a clock that may be wrong by `errorMs` stands to the leap second at `momentMs`. Clocks differ in what they show then (23:59:59 twice,
 *  00:00:00 twice, or neither), but all of it is within a second of the moment. What was known before says nothing about after: whether
 *  this clock has made the leap has to be measured. */
export function leapPhase(wallMs: number, momentMs: number, errorMs: number): "before" | "during" | "after" {
  const distanceMs = wallMs - momentMs;
  if (Math.abs(distanceMs) <= SECOND_MS + errorMs) return "during";
  return distanceMs < 0 ? "before" : "after";
}
