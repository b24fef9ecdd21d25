export { type Clock, systemClock } from "./clock.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export { renewalDueAt } from "./renewal.ts";
export { Wakeup } from "./wakeup.ts";
