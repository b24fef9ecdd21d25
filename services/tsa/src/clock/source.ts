import type { Timeline } from "./timeline.ts";

/** RFC 5905 section 7.3, leap indicator: the last minute of the month has 61 or 59 seconds. */
export type Leap = "none" | "insert" | "delete";

/** How far the timeline is from UTC, according to one source. */
export interface Measurement {
  readonly status: "measured";
  /** UTC is the timeline plus this, in milliseconds. */
  readonly offsetMs: number;
  /** Up to which that may be wrong, all causes together. */
  readonly errorMs: number;
  /** When, by the counter. */
  readonly monotonicMs: number;
  readonly leap: Leap;
  readonly stratum: number;
  /** What the source follows: four letters at stratum 1, else 8 hex digits. */
  readonly reference: string;
  /** Who answered, "address:port". Absent where nobody has an address. */
  readonly address?: string;
  /** There and back. */
  readonly delayMs: number;
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
}

export type FailureReason =
  /** It is not installed, or not running. */
  | "absent"
  /** No answer in time, or no way to it. */
  | "unreachable"
  /** It has answered, but not as the protocol says. */
  | "malformed"
  /** Times that cannot be: an answer before its question, a reference from the future. */
  | "implausible"
  /** It says itself that it does not know the time. */
  | "not-synchronised"
  /** It may be wrong by so much that its word means nothing. */
  | "too-distant"
  /** It wants to be asked less, or not at all. */
  | "kiss-of-death"
  /** Not asked, because it wanted that. */
  | "backing-off";

export interface Failure {
  readonly status: "failed";
  readonly reason: FailureReason;
  readonly detail: string;
}

export type SourceReport = Measurement | Failure;

export const failure = (reason: FailureReason, detail: string): Failure => ({ status: "failed", reason, detail });

/** What a source is worth. `ntp` has a vote. `daemon` is this machine's own time daemon: its word comes from servers that may be among
 *  those we ask, so it is heard as a witness, and votes only where nothing else is configured. `unproven` takes the clock as it is. */
export type SourceKind = "ntp" | "daemon" | "unproven";

/** Someone who knows what time it is. */
export interface ClockSource {
  readonly name: string;
  readonly kind: SourceKind;
  /** Compares the timeline with what the source knows. Takes a bounded time, and never rejects. */
  measure(timeline: Timeline): Promise<SourceReport>;
}
