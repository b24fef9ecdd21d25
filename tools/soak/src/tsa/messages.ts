import type { LifeReport } from "../workers.ts";
import type { ReplicaName } from "./replica.ts";

export interface WorkerOptions {
  readonly home: string;
  readonly portOffset: number;
}

/** What a worker tells the conductor. */
export type Report =
  | LifeReport
  | { readonly type: "wrong"; readonly what: string }
  | ({ readonly type: "figures" } & Figures);

/** So far. */
export interface Figures {
  /** Answers and their absence, by how it was asked: "http: token", "grpc: PEER_UNAVAILABLE". */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Tokens that were answered, each counted once. */
  readonly tokens: Readonly<Record<ReplicaName, number>>;
  /** Requests under a request id that had been answered before, and were answered the same. */
  readonly repeated: number;
  /** Tokens that were looked up in the log in the end. */
  readonly lookedUp: number;
  /** The longest time without a token from a replica. */
  readonly longestGapMs: Readonly<Record<ReplicaName, number>>;
}
