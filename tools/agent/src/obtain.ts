import { randomUUID } from "node:crypto";
import { ERRORS, PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { acceptCertificate } from "./accept.ts";
import type { Identity } from "./config.ts";
import type { Enrolled } from "./gateway/wire.ts";
import { createPendingKey } from "./key.ts";
import { renewalMoment } from "./schedule.ts";
import type { State } from "./state.ts";
import type { IdentityStore, PendingKey } from "./store.ts";

export interface ObtainContext {
  readonly identity: Identity;
  readonly store: IdentityStore;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Sends a request for a certificate: by token, by an older certificate, or by asking again what administrators said. */
export type Ask = (csrPem: string, requestId: string) => Promise<Enrolled>;

/** Gets one certificate, so that a crash or a lost answer anywhere costs nothing: 1 a key and its request are on the disk before they are sent;
 *  2 as long as nobody knows whether the answer was given, the same request is sent again; 3 what comes is looked at as a stranger's;
 *  4 it is on the disk before the state names it. Returns the state that does. Rejects with what the gateway or acceptCertificate says. */
export async function obtain(context: ObtainContext, state: State, ask: Ask): Promise<State> {
  const { store } = context;
  const { requestId, pending, begun } = beginRequest(context, state);
  try {
    return keep(context, begun, pending, await ask(pending.csrPem, requestId));
  } catch (error) {
    if (isFinal(error)) store.write({ ...begun, pending: undefined });
    throw error;
  }
}

interface BegunRequest {
  readonly requestId: string;
  readonly pending: PendingKey;
  /** As it is on the disk. */
  readonly begun: State;
}

/** The request that waits for its answer, or a new one. */
export function beginRequest({ identity, store }: ObtainContext, state: State): BegunRequest {
  const waiting = state.pending && store.findPending(state.pending.requestId);
  if (state.pending && waiting) return { requestId: state.pending.requestId, pending: waiting, begun: state };
  const requestId = randomUUID();
  const pending = createPendingKey(identity);
  store.keepPending(requestId, pending);
  const begun = { ...state, pending: { requestId } };
  store.write(begun);
  return { requestId, pending, begun };
}

/** Takes a certificate into the store. */
function keep(
  { identity, store, clock, random }: ObtainContext,
  state: State,
  pending: PendingKey,
  answer: Enrolled,
): State {
  const { keyPem } = pending;
  const bundlePem = store.findBundle() ?? "";
  const certificate = acceptCertificate(answer, { identity, keyPem, bundlePem, clock });
  const { serialHex, notBefore, notAfter } = certificate;
  store.keepCertificate(serialHex, { keyPem, chainPem: answer.chain_pem });
  const renewAt = renewalMoment(certificate, answer.renew_at, random());
  const { certificate_id: certificateId, spiffe_id: spiffeId } = answer;
  const held = { serialHex, certificateId, spiffeId, notBefore, notAfter, renewAt };
  const kept: State = { ...state, held, pending: undefined };
  store.write(kept);
  return kept;
}

/** Whether asking the same again would bring the same no. INTERNAL is the gateway's trouble, or an answer that we could not read. */
const isFinal = (error: unknown): boolean =>
  error instanceof PkiError && !ERRORS[error.code].retry && error.code !== "INTERNAL";
