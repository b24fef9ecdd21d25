import { hash } from "node:crypto";
import { ERRORS, PkiError, toPkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { AuditRecord, Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { Actor } from "./actor.ts";
import {
  type AwaitedApproval,
  approvalGranted,
  approvalRefused,
  approvalRequested,
  isRefusedApproval,
} from "./approval-facts.ts";
import type { Authorities } from "./authorities.ts";
import { type CrlRules, listPlan } from "./crl-rules.ts";
import { LintedTbs, signCertificateList } from "./issuer.ts";
import type { CrlTable, StoredCrl } from "./store/crls.ts";
import type { ListBases } from "./store/list-bases.ts";
import type { ListEntries } from "./store/list-entries.ts";
import type { ListTable } from "./store/lists.ts";

export interface ListSigningContext {
  readonly store: Store;
  readonly crls: CrlTable;
  readonly lists: ListTable;
  readonly bases: ListBases;
  readonly entries: ListEntries;
  readonly authorities: Authorities;
  readonly rules: CrlRules;
  /** SPIFFE URI of this service, in whose name scheduled lists are signed. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long custodians who refused a list, or let the request expire, are left in peace. */
const ASK_CUSTODIANS_AGAIN_MS = 86_400_000;

interface Outcome {
  readonly crl: StoredCrl;
  readonly crlDer?: Uint8Array;
  readonly error?: PkiError;
}

/** The second half of every list, from stored bytes to stored signature. It may be run again and again: number and bytes are fixed,
 *  and the hsm-gateway gives the same signature for the same request id. */
export class ListSigning {
  readonly #ca: ListSigningContext;

  constructor(context: ListSigningContext) {
    this.#ca = context;
  }

  /** Signs and stores lists that were begun; those that can be are, whatever happens to the others. Throws what the signer throws;
   *  APPROVAL_REQUIRED with the ids of all approvals that are waited for. */
  async finish(lists: readonly StoredCrl[]): Promise<void> {
    const outcomes = await Promise.all(lists.map((crl) => this.#sign(crl)));
    const signed = outcomes.flatMap(({ crl, crlDer }) => (crlDer ? { crl, crlDer } : []));
    if (signed.length > 0) {
      await this.#ca.store.write(() => {
        for (const { crl, crlDer } of signed) this.#record(crl, crlDer);
      });
    }
    for (const { crl, error } of outcomes) if (error) await this.#note(crl, error);
    throwFirst(outcomes.flatMap(({ error }) => error ?? []));
  }

  async #sign(crl: StoredCrl): Promise<Outcome> {
    const issuer = this.#ca.authorities.findIssuer(crl.authorityId);
    if (issuer === undefined || crl.tbsDer === undefined) throw new Error(`${crl.authorityId} cannot sign a list`);
    const requestId = `${crl.kind === "full" ? "crl" : "delta"}:${crl.authorityId}:${crl.crlShard}:${crl.crlNumber}`;
    try {
      const linted = LintedTbs.certificateList(crl.tbsDer, issuer.certificate);
      return { crl, crlDer: await signCertificateList(issuer.signer, linted, requestId) };
    } catch (cause) {
      return { crl, error: toPkiError(cause) };
    }
  }

  #record(crl: StoredCrl, crlDer: Uint8Array): void {
    const { store, crls, clock, log } = this.#ca;
    const { authorityId, kind, crlNumber, entries: revokedCount } = crl;
    const now = clock.now();
    crls.publish(crl, crlDer, now);
    if (kind === "full") this.#keepAsBase(crl, now);
    store.audit.add(listAudit(crl, "done", this.#ca.self, { crlSha256: hash("sha256", crlDer, "hex"), revokedCount }));
    if (crl.approvalId !== undefined) store.outbox.add(approvalGranted(awaitedBy(crl, crl.approvalId)));
    log.info("crl published", { authority: authorityId, crlNumber, entries: revokedCount });
    if (crl.thisUpdate <= now) this.#tell(crl); // one signed ahead is told when it takes over
  }

  /** Delta lists may be about it from now on; what none of them will tell any more is forgotten. */
  #keepAsBase(crl: StoredCrl, now: Date): void {
    const { bases, entries, rules } = this.#ca;
    const { logSequence } = crl;
    if (logSequence === undefined) return;
    const usedSince = new Date(now.getTime() - rules.validity);
    const oldest = bases.add(crl, { ...crl, logSequence }, usedSince, rules.interval);
    entries.forgetReleases(crl, oldest.logSequence);
  }

  /** Tells of lists signed ahead that have come into force, and forgets those before them. */
  async announceTakenOver(): Promise<void> {
    const { store, crls, clock } = this.#ca;
    const taken = crls.takenOver(clock.now());
    if (taken.length === 0) return;
    await store.write(() => {
      for (const crl of taken) {
        crls.forgetBefore(crl);
        this.#tell(crl);
      }
    });
  }

  #tell({ organisation, authorityId, crlShard, kind, crlNumber, thisUpdate, nextUpdate, entries }: StoredCrl): void {
    this.#ca.store.outbox.add(
      event("pki.crl.published.v1", organisation, {
        ...{ authorityId, crlNumber, revokedCount: entries, shard: crlShard, delta: kind === "delta" },
        ...{ thisUpdate: thisUpdate.toISOString(), nextUpdate: nextUpdate.toISOString() },
      }),
    );
  }

  /** A list that waits for custodians keeps their approval's id; one that can never be signed is given up and made anew later. */
  async #note(crl: StoredCrl, error: PkiError): Promise<void> {
    const { store, crls, authorities, self } = this.#ca;
    const { approvalId, expiresAt = "" } = error.details;
    if (error.code === "APPROVAL_REQUIRED" && approvalId !== undefined && approvalId !== crl.approvalId) {
      await store.write(() => {
        crls.setApproval(crl, approvalId);
        store.outbox.add(approvalRequested(awaitedBy(crl, approvalId), expiresAt, authorities));
      });
    }
    if (ERRORS[error.code].retry || error.code === "INTERNAL") return;
    await store.write(() => {
      crls.abandon(crl);
      this.#retryLater(crl);
      store.audit.add(listAudit(crl, "failed", self, {}, error.code));
      if (crl.approvalId !== undefined && isRefusedApproval(error.code))
        store.outbox.add(approvalRefused(awaitedBy(crl, crl.approvalId), error.code));
    });
  }

  #retryLater(crl: StoredCrl): void {
    const { lists, authorities, rules, clock } = this.#ca;
    const state = lists.find(crl);
    const authority = authorities.find(crl.authorityId);
    if (state === undefined || authority === undefined) return;
    const { isUnderQuorum } = listPlan(rules, authority);
    const retryAt = new Date(clock.now().getTime() + (isUnderQuorum ? ASK_CUSTODIANS_AGAIN_MS : rules.interval));
    const sooner = (date: Date) => (retryAt < date ? retryAt : date);
    const due = crl.kind === "full" ? { dueAt: sooner(state.dueAt) } : { deltaDueAt: sooner(state.deltaDueAt) };
    lists.put({ ...state, ...due });
  }
}

const awaitedBy = ({ organisation, authorityId }: StoredCrl, approvalId: string): AwaitedApproval => ({
  ...{ organisation, operation: "crl.sign", approvalId, signedBy: authorityId },
});

/** The most telling of several failures: one that is final, or the wait for all approvals together. */
function throwFirst(errors: readonly PkiError[]): void {
  const waits = errors.filter(({ code }) => code === "APPROVAL_REQUIRED");
  const other = errors.find(({ code }) => code !== "APPROVAL_REQUIRED");
  if (other) throw other;
  const [first] = waits;
  if (first === undefined) return;
  const approvalIds = waits.flatMap(({ details }) => details.approvalId ?? []).join(",");
  throw new PkiError(first.code, first.message, { cause: first, details: { ...first.details, approvalIds } });
}

/** The audit record of one step of a list. */
export const listAudit = (
  { organisation, authorityId, crlShard, crlNumber, kind }: StoredCrl,
  outcome: "requested" | "done" | "failed",
  by: string | Actor,
  details: Record<string, unknown>,
  code?: string,
): AuditRecord => ({
  action: "crl.sign",
  ...{ outcome, code, organisation, details: { kind, ...details } },
  caller: typeof by === "string" ? by : by.caller.uri,
  requester: typeof by === "string" ? by : by.requester.uri,
  target: `${authorityId}:${crlShard}:${crlNumber}`,
});
