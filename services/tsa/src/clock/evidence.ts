import type { Quorum, SourceStatement } from "./quorum.ts";
import type { Leap } from "./source.ts";
import type { ClockReading } from "./timeline.ts";

/** Why we believe the clock: one round of questions and what came of it. It never changes. */
export interface ClockEvidence {
  /** 32 hex digits, random. */
  readonly id: string;
  /** False if nobody was asked (development). */
  readonly isProven: boolean;
  /** By this machine's wall clock, when the round began. */
  readonly takenAt: Date;
  /** The same moment by the counter. */
  readonly monotonicMs: number;
  /** UTC was this much ahead of the wall clock, in milliseconds. */
  readonly offsetMs: number;
  /** Give or take. */
  readonly errorMs: number;
  readonly leap: Leap;
  /** The beginning of the month before which a second is inserted or deleted. */
  readonly leapAt?: Date;
  readonly sources: readonly SourceStatement[];
  /** It holds until then, by the wall clock; what counts is the counter. */
  readonly expiresAt: Date;
  readonly expiresAtMonotonicMs: number;
}

export interface EvidenceInput {
  readonly id: string;
  readonly isProven: boolean;
  readonly start: ClockReading;
  readonly quorum: Quorum & Required<Pick<Quorum, "interval">>;
  readonly periodMs: number;
  readonly leapAtMs: number | undefined;
}

export function createEvidence({ id, isProven, start, quorum, periodMs, leapAtMs }: EvidenceInput): ClockEvidence {
  const { lowMs, highMs } = quorum.interval;
  return deepFreeze({
    ...{ id, isProven, takenAt: new Date(start.wallMs), monotonicMs: start.monotonicMs },
    ...{ offsetMs: (lowMs + highMs) / 2, errorMs: (highMs - lowMs) / 2 + start.spreadMs },
    leap: quorum.leap,
    ...(leapAtMs !== undefined && { leapAt: new Date(leapAtMs) }),
    sources: quorum.statements,
    expiresAt: new Date(start.wallMs + periodMs),
    expiresAtMonotonicMs: start.monotonicMs + periodMs,
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
