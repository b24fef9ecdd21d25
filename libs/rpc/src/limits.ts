/** Bounds on what a peer may cost. */
export interface RpcLimits {
  /** Largest message received, in bytes. */
  readonly maxReceiveBytes: number;
  /** Largest sum of names and values of request headers, in bytes (SETTINGS_MAX_HEADER_LIST_SIZE). */
  readonly maxMetadataBytes: number;
  /** Calls at once on one connection. */
  readonly maxConcurrentCalls: number;
  /** How long a unary call may take when its caller names no deadline, and at most when it does. */
  readonly maxCallMs: number;
  /** Age at which a stream is ended: its requests run out, or, if it has only one, it fails with PEER_UNAVAILABLE. */
  readonly maxStreamAgeMs: number;
  /** Age (±10 %) at which a connection is closed to new calls, so that every peer proves its identity again. */
  readonly maxConnectionAgeMs: number;
}

export const DEFAULT_LIMITS: RpcLimits = {
  maxReceiveBytes: 1_048_576,
  maxMetadataBytes: 16_384,
  maxConcurrentCalls: 1_000,
  maxCallMs: 60_000,
  maxStreamAgeMs: 1_800_000,
  maxConnectionAgeMs: 3_600_000,
};
