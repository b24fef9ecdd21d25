/** What a soak is to do, from the command line. */
export interface SoakContext {
  readonly durationMs: number;
  /** Processes that get SIGKILL, and how often. */
  readonly kill: readonly string[];
  readonly killEveryMs: number;
  /** How long after a change was acknowledged an answer may still be the one before it. */
  readonly graceMs: number;
  /** An empty directory, removed afterwards. */
  readonly workDirectory: string;
  /** Says on stderr what is going on. */
  progress(message: string): void;
}

/** What a soak has found. `figures` are for people and machines; `wrong` alone decides. */
export interface SoakReport {
  /** Everything that must not happen. */
  readonly wrong: number;
  /** The first of them, as sentences. */
  readonly examples: readonly string[];
  readonly figures: Readonly<Record<string, unknown>>;
  /** One line that says what was found. */
  readonly summary: string;
}

/** Runs the suite for a while under load and faults, and counts what must not happen. */
export interface Soak {
  readonly name: string;
  readonly summary: string;
  /** Processes that get kill -9 unless others are named, and all that may be named. */
  readonly kill: readonly string[];
  readonly killable: readonly string[];
  run(context: SoakContext): Promise<SoakReport>;
}
