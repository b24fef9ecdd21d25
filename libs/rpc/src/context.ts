import type { SpiffeId } from "@vcc-pki/x509";

/** What a handler knows about the call it answers. */
export interface CallContext {
  /** The peer, from its verified certificate. */
  readonly caller: SpiffeId;
  /** On whose behalf: forwarded by a caller that may, otherwise the caller itself. */
  readonly requester: SpiffeId;
  /** The request's `request_id`, when it is unary on the way in and has one. */
  readonly requestId?: string;
  /** When the caller stops waiting, by the service's clock. */
  readonly deadline: Date;
  /** Aborted when the caller cancels or disconnects, the deadline passes, the caller's certificate is denied, or the server
   *  closes; the reason says which. */
  readonly signal: AbortSignal;
  /** W3C trace context of this call, for outbox rows. */
  readonly traceparent?: string;
}
