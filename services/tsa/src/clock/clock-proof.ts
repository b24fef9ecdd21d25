import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import type { ClockConfig } from "./config.ts";
import { type ClockEvidence, createEvidence } from "./evidence.ts";
import { leapMomentMs, leapPhase } from "./leap-second.ts";
import { countVotes, type Quorum, votersAmong } from "./quorum.ts";
import type { ClockSource } from "./source.ts";
import { type ClockReading, readClock, Timeline } from "./timeline.ts";

export type UnavailableReason =
  /** Nobody was asked yet, or what they said could not be recorded. */
  | "no-evidence"
  /** Too few have answered, or no majority of them can be right at once. */
  | "no-quorum"
  /** The evidence is too old, or from before a leap second. */
  | "evidence-expired"
  /** The wall clock was set, or the machine was asleep. */
  | "stepped"
  /** The clock may be further from UTC than what is promised. */
  | "offset-too-large"
  /** Less than a second from an announced leap second. */
  | "leap-second";

export type ClockState = "available" | UnavailableReason;

export interface ProvenTime {
  readonly genTime: Date;
  /** What is promised. */
  readonly accuracyMs: number;
  /** How far from UTC it may be, by all we know: at most what is promised. */
  readonly errorMs: number;
  readonly evidenceId: string;
}

export interface NoTime {
  readonly unavailable: UnavailableReason;
}

export interface ClockProofOptions {
  readonly config: ClockConfig;
  readonly sources: readonly ClockSource[];
  readonly clock: Clock;
  /** That many random octets. */
  readonly random: (octets: number) => Uint8Array;
  /** Stores evidence, before any time is told that rests on it. */
  readonly record: (evidence: ClockEvidence) => Promise<void> | void;
  /** Told when the state has changed. Must not throw. */
  readonly changed?: (state: ClockState, before: ClockState) => void;
}

/** Says what time it is, or that this cannot be proven (RFC 3161; ETSI EN 319 421 section 7.7.1). It never corrects the clock. */
export class ClockProof {
  /** False if nobody vouches for the clock: what is stamped with it must be marked as a test. */
  readonly isProven: boolean;
  readonly #options: ClockProofOptions;
  #evidence: ClockEvidence | undefined;
  /** Why there is no evidence. */
  #lack: UnavailableReason = "no-evidence";
  #state: ClockState = "no-evidence";
  #leap: { readonly momentMs: number; readonly errorMs: number } | undefined;
  #lastQuorum: Quorum | undefined;
  #measuring: Promise<void> | undefined;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #spacingMs = 0;

  /** Throws CONFIG_INVALID if these rules could never be met, or never be broken. */
  constructor(options: ClockProofOptions) {
    requireSense(options);
    this.#options = options;
    this.isProven = options.sources.every(({ kind }) => kind !== "unproven");
  }

  /** The evidence that `now` rests on, if any. */
  get evidence(): ClockEvidence | undefined {
    return this.#evidence;
  }

  /** What the sources have said in the last round, whatever came of it. */
  get lastQuorum(): Quorum | undefined {
    return this.#lastQuorum;
  }

  get state(): ClockState {
    const time = this.now();
    return "unavailable" in time ? time.unavailable : "available";
  }

  /** The time, or why there is none. Reads both clocks and computes; asks nobody. */
  now(): ProvenTime | NoTime {
    const time = this.#judge(readClock(this.#options.clock));
    this.#tell("unavailable" in time ? time.unavailable : "available");
    return time;
  }

  /** To be called every second: notices steps and expiry while nobody asks for the time, and measures when that is due. */
  async tick(): Promise<void> {
    const { clock, config } = this.#options;
    const isAvailable = this.state === "available";
    const waitedMs = clock.monotonicMs() - this.#startedAtMs;
    if (waitedMs >= (isAvailable ? this.#spacingMs : config.retryInterval)) await this.measure();
  }

  /** Asks all sources now, or waits for the round under way. Rejects if the evidence could not be recorded; there is none then. */
  measure(): Promise<void> {
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
      this.now();
    });
    return this.#measuring;
  }

  #judge(reading: ClockReading): ProvenTime | NoTime {
    // 1. Around a leap second a time of day may mean two moments, whatever else we know.
    const leap = this.#leapPhase(reading);
    if (leap === "during") return { unavailable: "leap-second" };
    const evidence = this.#evidence;
    if (evidence === undefined) return { unavailable: this.#lack };
    if (leap === "after") return { unavailable: "evidence-expired" };
    // 2. A clock that was set has nothing to do any more with the one that was measured, even if it is set back.
    if (this.#isStepped(reading, evidence)) {
      this.#drop("stepped");
      return { unavailable: "stepped" };
    }
    // 3. Evidence ages by the counter.
    const { accuracy: accuracyMs, driftPpm } = this.#options.config;
    const ageMs = reading.monotonicMs - evidence.monotonicMs;
    if (reading.monotonicMs >= evidence.expiresAtMonotonicMs) return { unavailable: "evidence-expired" };
    // 4. Known error, and all that may have come to it.
    const knownMs = Math.abs(timelineOf(evidence).deviationMs(reading) - evidence.offsetMs);
    const errorMs = knownMs + evidence.errorMs + reading.spreadMs + (ageMs * driftPpm) / 1e6;
    if (errorMs > accuracyMs) return { unavailable: "offset-too-large" };
    return { genTime: new Date(reading.wallMs), accuracyMs, errorMs, evidenceId: evidence.id };
  }

  async #measure(): Promise<void> {
    const { config, sources, clock } = this.#options;
    const start = readClock(clock);
    this.#startedAtMs = start.monotonicMs;
    this.#spacingMs = config.interval * (1 - config.jitter * this.#randomFraction());
    if (this.#leapPhase(start) === "during") return;
    // 1. All of them measure the same timeline.
    const timeline = new Timeline(start);
    const heard = await Promise.all(
      sources.map(async (source) => ({ name: source.name, kind: source.kind, report: await source.measure(timeline) })),
    );
    // 2. The majority decides.
    const minimumSources = this.isProven ? config.minimumSources : 1;
    const quorum = countVotes(heard, { minimumSources, driftPpm: config.driftPpm, startMs: start.monotonicMs });
    this.#lastQuorum = quorum;
    // 3. Nothing is known of a clock that was set meanwhile, or of one that is in a leap second now.
    const end = readClock(clock);
    if (Math.abs(timeline.deviationMs(end)) > config.stepTolerance) return this.#drop("stepped");
    if (this.#leapPhase(end) === "during") return;
    await this.#conclude(quorum, start);
  }

  async #conclude(quorum: Quorum, start: ClockReading): Promise<void> {
    const { interval, status } = quorum;
    // Silence leaves what was known, as long as it holds; contradiction does not.
    if (status === "disagreed") this.#drop("no-quorum");
    if (status === "too-few" && this.#lack === "no-evidence") this.#lack = "no-quorum";
    if (interval === undefined) return;
    const { config, random, record } = this.#options;
    const evidence = createEvidence({
      ...{ id: Buffer.from(random(16)).toString("hex"), isProven: this.isProven, start },
      ...{ quorum: { ...quorum, interval }, periodMs: config.evidencePeriod },
      leapAtMs: quorum.leap === "none" ? undefined : leapMomentMs(start.wallMs),
    });
    try {
      await record(evidence);
    } catch (error) {
      this.#drop("no-evidence");
      throw error;
    }
    this.#evidence = evidence;
    const errorMs = Math.abs(evidence.offsetMs) + evidence.errorMs;
    this.#leap = evidence.leapAt && { momentMs: evidence.leapAt.getTime(), errorMs };
  }

  #isStepped(reading: ClockReading, evidence: ClockEvidence): boolean {
    return Math.abs(timelineOf(evidence).deviationMs(reading)) > this.#options.config.stepTolerance;
  }

  #leapPhase({ wallMs }: ClockReading): ReturnType<typeof leapPhase> {
    return this.#leap === undefined ? "before" : leapPhase(wallMs, this.#leap.momentMs, this.#leap.errorMs);
  }

  #drop(reason: UnavailableReason): void {
    this.#evidence = undefined;
    this.#lack = reason;
  }

  #tell(state: ClockState): void {
    const before = this.#state;
    if (state === before) return;
    this.#state = state;
    this.#options.changed?.(state, before);
  }

  #randomFraction(): number {
    return Buffer.from(this.#options.random(4)).readUInt32BE() / 2 ** 32;
  }
}

/** What the wall clock should show, by the reading that the evidence is about. */
const timelineOf = ({ takenAt, monotonicMs }: ClockEvidence): Timeline =>
  new Timeline({ wallMs: takenAt.getTime(), monotonicMs, spreadMs: 0 });

function requireSense({ config, sources }: ClockProofOptions): void {
  const refuse = (message: string) => {
    throw new PkiError("CONFIG_INVALID", `clock: ${message}`);
  };
  const names = new Set(sources.map(({ name }) => name));
  const isUnproven = sources.some(({ kind }) => kind === "unproven");
  const { minimumSources, evidencePeriod, interval, retryInterval, accuracy, stepTolerance, driftPpm } = config;
  if (names.size < sources.length) refuse("a source is named twice");
  if (isUnproven && sources.length > 1) refuse("an unproven clock has no other sources");
  if (!isUnproven && votersAmong(sources).length < minimumSources) refuse("fewer sources than minimumSources");
  if (evidencePeriod < interval + retryInterval) refuse("evidencePeriod must outlast interval and retryInterval");
  if (stepTolerance < 2) refuse("stepTolerance is below what a reading can tell (2 ms)");
  if (stepTolerance + (evidencePeriod * driftPpm) / 1e6 >= accuracy)
    refuse("accuracy is used up by stepTolerance and by drift in one evidencePeriod");
}
