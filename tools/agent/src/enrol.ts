import { PkiError } from "@vcc-pki/errors";
import { pemDecode } from "@vcc-pki/x509";
import { type Attestation, type Gateway, openGateway } from "./gateway/gateway.ts";
import { fetchPinnedRoot, fingerprintOf } from "./gateway/pin.ts";
import { publicKeyFingerprint } from "./key.ts";
import { withLock } from "./lock.ts";
import type { MaintainContext } from "./maintain.ts";
import { beginRequest, obtain } from "./obtain.ts";
import type { State } from "./state.ts";
import { bundleHash } from "./store.ts";

/** How to reach the gateway for the first time. */
export interface FirstContact {
  readonly server: string;
  /** SHA-256 of the root that the administrator named. */
  readonly fingerprint: string;
}

/** The first certificate of an identity: 1 the root that was named, from whoever answers; 2 all roots, from a gateway that this root vouches
 *  for; 3 key and request, made here; 4 the certificate, for the token. It is in the store then, for `maintain` to bring into service. Rejects
 *  with SERVER_NOT_TRUSTED, CLOCK_WRONG, and what the gateway answers. */
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
    const rootPem = await fetchPinnedRoot(server, fingerprint);
    const bundlePem = await askOnce(openGateway({ server, bundlePem: rootPem, clock }), (gateway) => gateway.bundle());
    if (!pemDecode(bundlePem, "CERTIFICATE").some((der) => fingerprintOf(der) === fingerprint)) {
      throw new PkiError("SERVER_NOT_TRUSTED", "the trust bundle lacks the root that vouches for it");
    }
    store.keepBundle(bundlePem);
    const state = { ...store.read(), bundle: bundleHash(bundlePem), bundleSeenAt: clock.now() };
    store.write(state);
    return askOnce(openGateway({ server, bundlePem, clock }), (gateway) => work(gateway, state));
  });
}

async function askOnce<T>(gateway: Gateway, ask: (gateway: Gateway) => Promise<T>): Promise<T> {
  try {
    return await ask(gateway);
  } finally {
    gateway.close();
  }
}
