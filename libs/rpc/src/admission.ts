import { PkiError } from "@vcc-pki/errors";
import type { TraceCarrier } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { parseSpiffeId, type SpiffeId } from "@vcc-pki/x509";
import type { DenyList } from "./deny-list.ts";
import type { Peer } from "./peer.ts";

/** Metadata key with the SPIFFE URI on whose behalf a call is made. */
export const REQUESTER_KEY = "x-pki-requester";

/** A call as a transport hands it over, before anything about it is believed. */
export interface IncomingCall {
  readonly path: string;
  /** Every value of `x-pki-requester`. */
  readonly requesters: readonly string[];
  readonly trace: TraceCarrier;
  /** Time the caller will wait, when it says so. */
  readonly timeoutMs: number | undefined;
  /** Throws CALLER_UNAUTHENTICATED. */
  readPeer(): Peer;
}

export interface AdmissionRules {
  readonly clock: Clock;
  readonly denyList?: DenyList;
  /** Suite services whose word on the requester is taken. */
  readonly mayForward: readonly string[];
  readonly trustDomain?: string;
}

/** A connection outlives its handshake, so each call asks again: still valid, and not revoked. */
export function requireValidPeer(peer: Peer, { clock, denyList }: AdmissionRules): void {
  const now = clock.now();
  if (now < peer.notBefore || now > peer.notAfter) {
    throw new PkiError("CALLER_UNAUTHENTICATED", "the caller's certificate is not valid now");
  }
  if (denyList?.isDenied(peer.serialHex, peer.issuerKeyId)) {
    throw new PkiError("CALLER_REVOKED", "the caller's certificate is revoked");
  }
}

/** The forwarded requester, or the caller itself. Throws CALLER_NOT_ALLOWED when the caller may not speak for others. */
export function requesterOf(call: IncomingCall, caller: SpiffeId, rules: AdmissionRules): SpiffeId {
  const [uri, ...others] = call.requesters;
  if (uri === undefined) return caller;
  if (caller.kind !== "suite" || !rules.mayForward.includes(caller.service)) {
    throw new PkiError("CALLER_NOT_ALLOWED", "this caller may not act on behalf of others");
  }
  if (others.length > 0) throw new PkiError("REQUEST_MALFORMED", `more than one ${REQUESTER_KEY}`);
  return parseSpiffeId(uri, rules.trustDomain);
}
