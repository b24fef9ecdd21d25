import { type Attestation, type Gateway, openGateway } from "./gateway/gateway.ts";
import { fetchPinnedRoot } from "./gateway/pin.ts";
import { publicKeyFingerprint } from "./key.ts";
import { withLock } from "./lock.ts";
import { beginRequest, obtain } from "./obtain.ts";
import type { State } from "./state.ts";
import { bundleHash } from "./store.ts";
import type { MaintainContext } from "./turn.ts";

/** How to reach the gateway for the first time. */
export interface FirstContact {
  readonly server: string;
  /** SHA-256 of the root that the administrator named. */
  readonly fingerprint: string;
}

/** The first certificate of an identity: 1 the root that was named, from whoever answers; 2 key and request, made here; 3 the certificate for the
 *  token, from a gateway that this root vouches for. It is in the store then, for `maintain` to bring into service; the other roots come then, too.
 *  Rejects with SERVER_NOT_TRUSTED, CLOCK_WRONG, and what the gateway answers. */
export function enrol(context: MaintainContext, contact: FirstContact, attestation: Attestation): Promise<State> {
  return atFirst(context, contact, (gateway, state) => {
    // What administrators were asked for is not what the token is for.
    const own = state.pending?.claim ? { ...state, pending: undefined } : state;
    return obtain(context, own, (csrPem, requestId) => gateway.enrol(attestation, csrPem, requestId));
  });
}

export interface WaitingRequest {
  readonly requestId: string;
  /** SHA-256 of the public key: the administrator compares it with what the console shows. */
  readonly publicKey: string;
}

/** Asks administrators for the first certificate, without a token. `maintain` claims it once they have agreed. A repeat before that returns the
 *  request that waits. */
export async function requestEnrolment(context: MaintainContext, contact: FirstContact): Promise<WaitingRequest> {
  const state = await atFirst(context, contact, async (gateway, known) => {
    if (known.pending?.claim !== undefined) return known;
    const { pending, begun, requestId } = beginRequest(context, known);
    const { organisation, service } = context.identity;
    const asked = await gateway.requestEnrolment(organisation, service, pending.csrPem);
    const waiting = { ...begun, pending: { requestId, claim: { id: asked.request_id, secret: asked.secret } } };
    context.store.write(waiting);
    return waiting;
  });
  const { requestId = "", claim } = state.pending ?? {};
  const pending = context.store.findPending(requestId);
  if (claim === undefined || pending === undefined) throw new Error("a request that waits has a key and a claim");
  return { requestId: claim.id, publicKey: publicKeyFingerprint(pending.keyPem) };
}

function atFirst(
  { store, clock }: MaintainContext,
  { server, fingerprint }: FirstContact,
  work: (gateway: Gateway, state: State) => Promise<State>,
): Promise<State> {
  return withLock(store.directory, async () => {
    const bundlePem = await fetchPinnedRoot(server, fingerprint, clock);
    store.keepBundle(bundlePem);
    const state = { ...store.read(), bundle: bundleHash(bundlePem), bundleSeenAt: undefined };
    store.write(state);
    const gateway = openGateway({ server, bundlePem, clock });
    try {
      return await work(gateway, state);
    } finally {
      gateway.close();
    }
  });
}
