import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { CallContext, RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { Enrol, EnrolledIdentity } from "./enrol.ts";
import type { Registry } from "./registry.ts";
import { readRequestedIdentity } from "./requested-identity.ts";
import { isSecret, newId, newSecret } from "./secret.ts";
import type { ServiceFields, ServiceKey } from "./service-record.ts";
import type { EnrolmentRequest, EnrolmentRequestTable } from "./store/enrolment-requests.ts";
import type { Attestation } from "./store/enrolments.ts";
import type { RequestTable } from "./store/requests.ts";

export interface EnrolmentRequestsOptions {
  readonly store: Store;
  readonly table: EnrolmentRequestTable;
  readonly registry: Registry;
  readonly requests: RequestTable;
  readonly enrol: Enrol;
  readonly clock: Clock;
  readonly trustDomain: string;
}

export type RequestState = "pending" | "approved" | "refused" | "claimed" | "expired";

/** For the decision, and again for the claim. */
const LIFE_MS = 86_400_000;
/** Anybody may ask, so not much is kept of it: of one service, of one organisation, of all. */
const MAX_WAITING = { service: 5, organisation: 200, all: 2_000 } as const;
const MAX_LISTED = 1_000;
/** A claim has no content beside its secret. */
const CLAIM = { requestId: "claim", contentSha256: new Uint8Array(32) } as const;

const noSuchRequest = (): PkiError => new PkiError("NOT_FOUND", "no such request");

/** Services without token: they ask, an administrator compares the key and decides, they claim. */
export class EnrolmentRequests {
  readonly #options: EnrolmentRequestsOptions;

  constructor(options: EnrolmentRequestsOptions) {
    this.#options = options;
  }

  /** Puts a request on record. The answer is the same for an organisation that does not exist. Returns the secret that claims it. Throws RATE_LIMITED while
   *  too many wait, and as `readRequestedIdentity`. */
  async ask(
    key: ServiceKey,
    csrDer: Uint8Array,
    peerAddress: string,
  ): Promise<{ asked: EnrolmentRequest; secret: string }> {
    const { store, table, clock, trustDomain } = this.#options;
    this.#requireRoom(key);
    await readRequestedIdentity(csrDer, key, trustDomain);
    const secret = newSecret();
    const now = clock.now();
    const asked: EnrolmentRequest = {
      ...{ organisation: key.organisation, service: key.service, enrolmentRequestId: newId(), csrDer, peerAddress },
      ...{ secretSha256: secret.sha256, profile: "", decision: undefined },
      ...{ requestedAt: now, expiresAt: new Date(now.getTime() + LIFE_MS) },
    };
    await store.write(() => {
      this.#requireRoom(key);
      table.insert(asked);
      const data = { enrolmentRequestId: asked.enrolmentRequestId, service: key.service };
      store.outbox.add(event("pki.enrolment.requested.v1", key.organisation, data));
    });
    return { asked, secret: secret.text };
  }

  /** The newest first. */
  list(organisation: string): EnrolmentRequest[] {
    return this.#options.table.list(organisation, MAX_LISTED);
  }

  /** Throws NOT_FOUND. */
  get(organisation: string, enrolmentRequestId: string): EnrolmentRequest {
    const found = this.#options.table.find(enrolmentRequestId);
    if (found?.organisation !== organisation) throw noSuchRequest();
    return found;
  }

  stateOf(asked: EnrolmentRequest): RequestState {
    if (asked.decision?.isApproved === false) return "refused";
    const isClaimed = this.#options.enrol.find(attestationOf(asked))?.certified !== undefined;
    if (isClaimed) return "claimed";
    if (asked.expiresAt <= this.#options.clock.now()) return "expired";
    return asked.decision === undefined ? "pending" : "approved";
  }

  /** Decides it, once; approving it approves the service, which is registered with `fields` if it is not. Throws NOT_FOUND, ALREADY_EXISTS when it was decided
   *  otherwise, ENROLMENT_REFUSED when it is too late. */
  async decide(
    asked: EnrolmentRequest,
    isApproved: boolean,
    fields: ServiceFields,
    request: RequestKey,
    context: CallContext,
  ): Promise<EnrolmentRequest> {
    const { store, table, registry, requests, clock } = this.#options;
    const { organisation, enrolmentRequestId, service } = asked;
    return store.write(() => {
      if (requests.find(request) !== undefined) return this.get(organisation, enrolmentRequestId);
      requests.insert(request, enrolmentRequestId, clock.now());
      const { decision, expiresAt } = this.get(organisation, enrolmentRequestId);
      if (decision !== undefined) throw new PkiError("ALREADY_EXISTS", "this request has been decided");
      if (expiresAt <= clock.now()) throw new PkiError("ENROLMENT_REFUSED", "this request has expired");
      const by = context.requester.uri;
      const until = new Date(clock.now().getTime() + LIFE_MS);
      table.decide(asked, isApproved, by, isApproved ? fields.profile : "", until);
      if (isApproved) {
        registry.admit(asked, fields, { actor: by, reason: "its request for an identity was approved" });
      }
      store.audit.add({
        ...{ action: "enrolment.decide", outcome: "done", caller: context.caller.uri, requester: by, organisation },
        ...{ target: enrolmentRequestId, requestId: request.requestId, details: { service, isApproved } },
      });
      store.outbox.add(
        event("pki.enrolment.decided.v1", organisation, { enrolmentRequestId, service, approved: isApproved }),
      );
      return this.get(organisation, enrolmentRequestId);
    });
  }

  /** What has become of it, and the certificate once it is approved. Throws NOT_FOUND for an unknown id and a wrong secret alike. */
  async claim(
    enrolmentRequestId: string,
    secret: string,
    context: CallContext,
  ): Promise<{ state: RequestState; identity: EnrolledIdentity | undefined }> {
    const { table, enrol } = this.#options;
    const asked = table.find(enrolmentRequestId);
    if (asked === undefined || !isSecret(secret, asked.secretSha256)) throw noSuchRequest();
    const state = this.stateOf(asked);
    if (state !== "approved" && state !== "claimed") return { state, identity: undefined };
    const { organisation, service, profile, csrDer } = asked;
    const identity = await enrol.run(attestationOf(asked), { organisation, service, profile, csrDer }, context);
    return { state: "claimed", identity };
  }

  /** Forgets what nobody has decided in time. */
  async forget(): Promise<void> {
    const { store, table, clock } = this.#options;
    await store.write(() => table.forgetExpired(clock.now()));
  }

  #requireRoom({ organisation, service }: ServiceKey): void {
    const { table, clock } = this.#options;
    const now = clock.now();
    const isFull =
      table.countWaiting(organisation, service, now) >= MAX_WAITING.service ||
      table.countWaiting(organisation, "", now) >= MAX_WAITING.organisation ||
      table.countWaiting("", "", now) >= MAX_WAITING.all;
    if (isFull) throw new PkiError("RATE_LIMITED", "too many requests wait for a decision");
  }
}

const attestationOf = ({ enrolmentRequestId }: EnrolmentRequest): Attestation => ({
  attestor: `request ${enrolmentRequestId}`,
  ...CLAIM,
});
