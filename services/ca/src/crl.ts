import { hash } from "node:crypto";
import { ERRORS, PkiError, toPkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { authorityKeyIdentifier, buildTbsCertList, type CertificateList, crlNumber } from "@vcc-pki/x509";
import type { Actor } from "./actor.ts";
import { type Authorities, noSuchAuthority } from "./authorities.ts";
import { type Issuer, LintedTbs, signCertificateList } from "./issuer.ts";
import type { CrlTable, ListKey, ListState, StoredCrl } from "./store/crls.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";
import type { RevocationTable } from "./store/revocations.ts";

export interface CrlRules {
  /** How often a list is signed although nothing changed. */
  readonly intervalMs: number;
  /** nextUpdate - thisUpdate. Longer than three intervals, so that two may fail. */
  readonly validityMs: number;
  /** The same for authorities whose every signature needs custodians. */
  readonly underQuorumValidityMs: number;
  /** How long revocations are collected before a list is signed for them. */
  readonly coalesceMs: number;
}

export interface CrlContext {
  readonly store: Store;
  readonly crls: CrlTable;
  readonly revocations: RevocationTable;
  readonly requests: RequestTable;
  readonly authorities: Authorities;
  readonly rules: CrlRules;
  /** SPIFFE URI of this service, in whose name scheduled lists are signed. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Every authority has one list now; the tables leave room for more. */
const SHARD = 0;

/** How long custodians who refused a list, or let the request expire, are left in peace. */
const ASK_CUSTODIANS_AGAIN_MS = 86_400_000;

/** Certificate revocation lists: full, one for each authority. The number and the bytes are stored before they are signed, so a
 *  crash leaves a list that is finished later, never a number given twice. */
export class Crls {
  readonly #ca: CrlContext;
  readonly #running = new Map<string, Promise<StoredCrl>>();

  constructor(context: CrlContext) {
    this.#ca = context;
  }

  /** The newest list. Throws NOT_FOUND. */
  get(authorityId: string, shard = SHARD, delta = false): StoredCrl {
    const crl = shard === SHARD && !delta ? this.#ca.crls.findPublished(this.#keyOf(authorityId)) : undefined;
    if (crl === undefined) throw noSuchAuthority();
    return crl;
  }

  /** What `get` would give, of every authority. */
  list(): StoredCrl[] {
    const ids = this.#ca.authorities.all().map(({ authorityId }) => authorityId);
    return ids.flatMap((authorityId) => this.#ca.crls.findPublished(this.#keyOf(authorityId)) ?? []);
  }

  /** Signs a new list now. Under quorum: APPROVAL_REQUIRED until the custodians have approved; the same request id then gives
   *  the list. */
  async publish(actor: Actor, request: RequestKey, authorityId: string): Promise<StoredCrl> {
    const authority = this.#ca.authorities.getVisible(authorityId, actor.organisation.organisation);
    if (authority.organisation !== actor.organisation.organisation) throw noSuchAuthority();
    const earlier = this.#ca.requests.findTarget(request);
    if (earlier !== undefined) return this.#repeat(authorityId, Number(earlier));
    const crl = await this.#begin(authorityId, actor, request);
    return crl ? this.#finish(crl) : this.publish(actor, request, authorityId); // the same request id, twice at once
  }

  /** Signs what is due, what waits for revocations to be listed, and what was begun before. One list that fails does not keep
   *  the others. */
  async runDue(): Promise<void> {
    const now = this.#ca.clock.now();
    const dirtyBefore = new Date(now.getTime() - this.#ca.rules.coalesceMs);
    for (const state of this.#ca.crls.waiting(now, dirtyBefore)) {
      try {
        const crl = this.#ca.crls.findPending(state) ?? (await this.#begin(state.authorityId));
        if (crl) await this.#finish(crl);
      } catch (error) {
        const { code } = toPkiError(error);
        if (code !== "APPROVAL_REQUIRED") this.#ca.log.error("crl not signed", { authority: state.authorityId, error });
      }
    }
  }

  async #repeat(authorityId: string, number: number): Promise<StoredCrl> {
    const crl = this.#ca.crls.find(this.#keyOf(authorityId), number);
    if (crl?.state === "abandoned") throw new PkiError("APPROVAL_REFUSED", "this list was not signed");
    if (crl?.state === "pending") return this.#finish(crl);
    return crl ?? this.get(authorityId); // replaced by a newer one since
  }

  /** Takes a number, fixes the entries, stores the bytes. Revocations from now on wait for the next list. undefined when the request
   *  id has been taken meanwhile. */
  #begin(authorityId: string, actor?: Actor, request?: RequestKey): Promise<StoredCrl | undefined> {
    const { store, crls, requests, clock } = this.#ca;
    const issuer = this.#ca.authorities.findIssuer(authorityId);
    if (issuer === undefined) throw new PkiError("AUTHORITY_NOT_ACTIVE", `${authorityId} has no certificate yet`);
    return store.write(() => {
      const state = crls.findState(this.#keyOf(authorityId));
      if (state === undefined) throw new Error(`${authorityId} has no list`);
      const pending = crls.findPending(state);
      const crl = pending ?? this.#build(issuer, state);
      if (request && !requests.insert(request, String(crl.crlNumber), clock.now())) return undefined;
      if (pending) return pending;
      crls.insert(crl);
      crls.putState({ ...state, lastNumber: crl.crlNumber, dirtySince: undefined, dueAt: this.#nextDue(crl) });
      this.#audit(crl, "requested", { tbsSha256: hash("sha256", crl.tbsDer ?? "", "hex") }, actor);
      return crl;
    });
  }

  #build(issuer: Issuer, state: ListState): StoredCrl {
    const { organisation, authorityId, crlShard, lastNumber } = state;
    const { crls, revocations, clock } = this.#ca;
    const thisUpdate = new Date(Math.floor(clock.now().getTime() / 1_000) * 1_000);
    const nextUpdate = new Date(
      Math.min(thisUpdate.getTime() + this.#validityMs(authorityId), issuer.facts.notAfter.getTime()),
    );
    // A number taken from the clock stays greater than all before it even after a restored backup has forgotten some.
    const number = Math.max(lastNumber + 1, clock.now().getTime());
    // What has expired since the last list is on this one once more (RFC 5280 section 3.3).
    const since = crls.findPublished(state)?.thisUpdate ?? new Date(0);
    const tbsDer = buildTbsCertList({
      ...{ thisUpdate, nextUpdate, signatureAlgorithm: issuer.signer.algorithm, issuer: issuer.certificate.subject },
      revoked: revocations.listed(authorityId, crlShard, since),
      extensions: [authorityKeyIdentifier(issuer.facts.keyIdentifier), crlNumber(number)],
    });
    const key = { organisation, authorityId, crlShard, crlNumber: number };
    return { ...key, state: "pending", thisUpdate, nextUpdate, tbsDer, approvalId: undefined, crlDer: undefined };
  }

  /** One attempt at a time for each authority. */
  #finish(crl: StoredCrl): Promise<StoredCrl> {
    const running = this.#running.get(crl.authorityId);
    if (running) return running;
    const attempt = this.#sign(crl).finally(() => this.#running.delete(crl.authorityId));
    this.#running.set(crl.authorityId, attempt);
    return attempt;
  }

  async #sign(crl: StoredCrl): Promise<StoredCrl> {
    const issuer = this.#ca.authorities.findIssuer(crl.authorityId);
    if (issuer === undefined || crl.tbsDer === undefined) throw new Error(`${crl.authorityId} cannot sign a list`);
    const requestId = `crl:${crl.authorityId}:${crl.crlShard}:${crl.crlNumber}`;
    try {
      const linted = LintedTbs.certificateList(crl.tbsDer, issuer.certificate);
      const list = await signCertificateList(issuer.signer, linted, requestId);
      return await this.#ca.store.write(() => this.#record(crl, list));
    } catch (cause) {
      const error = toPkiError(cause);
      await this.#note(crl, error);
      throw error;
    }
  }

  #record(crl: StoredCrl, list: CertificateList): StoredCrl {
    const { store, crls } = this.#ca;
    crls.publish(crl, list.der);
    this.#audit(crl, "done", { crlSha256: hash("sha256", list.der, "hex"), revokedCount: list.revokedCount });
    store.outbox.add(
      event("pki.crl.published.v1", crl.organisation, {
        authorityId: crl.authorityId,
        crlNumber: crl.crlNumber,
        thisUpdate: crl.thisUpdate.toISOString(),
        nextUpdate: crl.nextUpdate.toISOString(),
        revokedCount: list.revokedCount,
      }),
    );
    this.#ca.log.info("crl published", {
      authority: crl.authorityId,
      crlNumber: crl.crlNumber,
      entries: list.revokedCount,
    });
    return { ...crl, state: "published", tbsDer: undefined, crlDer: list.der };
  }

  /** A list that waits for custodians keeps their approval's id; one that can never be signed is given up and made anew later. */
  async #note(crl: StoredCrl, error: PkiError): Promise<void> {
    const { store, crls, clock, rules } = this.#ca;
    const { approvalId } = error.details;
    if (error.code === "APPROVAL_REQUIRED" && approvalId !== undefined && approvalId !== crl.approvalId) {
      await store.write(() => crls.setApproval(crl, approvalId));
    }
    if (ERRORS[error.code].retry || error.code === "INTERNAL") return;
    await store.write(() => {
      crls.abandon(crl);
      const state = crls.findState(crl);
      const retryAfterMs = this.#isUnderQuorum(crl.authorityId) ? ASK_CUSTODIANS_AGAIN_MS : rules.intervalMs;
      const retryAt = new Date(clock.now().getTime() + retryAfterMs);
      if (state) crls.putState({ ...state, dueAt: retryAt < state.dueAt ? retryAt : state.dueAt });
      this.#audit(crl, "failed", { code: error.code });
    });
  }

  #validityMs(authorityId: string): number {
    const { validityMs, underQuorumValidityMs } = this.#ca.rules;
    return this.#isUnderQuorum(authorityId) ? underQuorumValidityMs : validityMs;
  }

  /** Under quorum a list lives long, and the next one is asked for after two thirds of that. */
  #nextDue({ authorityId, thisUpdate, nextUpdate }: StoredCrl): Date {
    const lifeMs = nextUpdate.getTime() - thisUpdate.getTime();
    const untilDueMs = this.#isUnderQuorum(authorityId) ? Math.floor((lifeMs * 2) / 3) : this.#ca.rules.intervalMs;
    return new Date(thisUpdate.getTime() + untilDueMs);
  }

  #keyOf(authorityId: string): ListKey {
    const authority = this.#ca.authorities.find(authorityId);
    if (authority === undefined) throw noSuchAuthority();
    return { organisation: authority.organisation, authorityId, crlShard: SHARD };
  }

  #isUnderQuorum(authorityId: string): boolean {
    return (this.#ca.authorities.find(authorityId)?.quorumThreshold ?? 0) > 0;
  }

  #audit(
    crl: StoredCrl,
    outcome: "requested" | "done" | "failed",
    details: Record<string, unknown>,
    actor?: Actor,
  ): void {
    const { self } = this.#ca;
    this.#ca.store.audit.add({
      action: "crl.sign",
      ...{ outcome, details, organisation: crl.organisation },
      ...{ caller: actor?.caller.uri ?? self, requester: actor?.requester.uri ?? self },
      target: `${crl.authorityId}:${crl.crlShard}:${crl.crlNumber}`,
    });
  }
}
