/** `requested` is written before an irreversible act and `done` after it: a `requested` without a later `done`, `refused`
 *  or `failed` marks an act whose outcome nobody saw. */
export type AuditOutcome = "requested" | "done" | "refused" | "failed";

/** Who asked for what, and what came of it. Identifiers and hashes only: no key material, no personal data. */
export interface AuditRecord {
  /** Entity and verb, e.g. "certificate.issue", "key.sign". */
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** SPIFFE URI of the mutual-TLS peer, or "spiffe://.../pki/<service>" of the service itself for its own schedules. */
  readonly caller: string;
  /** The identity on whose behalf the caller acts; the caller itself when nobody stands behind it. */
  readonly requester: string;
  /** The tenant whose data is touched. */
  readonly organisation: string;
  /** What is acted on: a certificate id, key id, authority id. */
  readonly target?: string;
  readonly requestId?: string;
  /** Error code, for `refused` and `failed`. */
  readonly code?: string;
  /** Further facts, JSON values only, e.g. `{ tbsSha256 }`. */
  readonly details?: Readonly<Record<string, unknown>>;
}
