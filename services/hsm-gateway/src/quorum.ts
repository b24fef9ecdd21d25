import { randomBytes, randomUUID } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { buildCanonicalRequest, isDecidedBy, isSameOperation } from "./approval-request.ts";
import type {
  ApprovalRecord,
  ApprovalStateName,
  ApprovalStore,
  Asker,
  DecisionName,
  DecisionRecord,
  Operation,
  OperationName,
} from "./approval-store.ts";
import type { CustodianRecord, CustodianStore } from "./custodian-store.ts";
import { requestIdReused, type Who } from "./request.ts";

export interface QuorumOptions {
  readonly store: Store;
  readonly approvals: ApprovalStore;
  readonly custodians: CustodianStore;
  /** How long custodians may take, and their approval holds. */
  readonly validityMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Does what was approved and returns what is to be written in the transaction that closes the approval. May run again after a
 *  crash between the two. */
export type Execute = (approval: ApprovalRecord) => Promise<() => void>;

/** One approval with its decisions, as of now. */
export interface Approval extends Omit<ApprovalRecord, "state"> {
  readonly state: ApprovalStateName;
  readonly decisions: readonly DecisionRecord[];
}

const MAX_LISTED = 1_000;

/** Operations that wait for m of n custodians. The signatures are checked here, each time anew before anything is done: a row that
 *  says "approved" would prove nothing. */
export class Quorum {
  readonly #options: QuorumOptions;
  readonly #executors = new Map<OperationName, Execute>();
  readonly #executing = new Map<string, Promise<void>>();

  constructor(options: QuorumOptions) {
    this.#options = options;
  }

  /** Names who does an operation once it is approved. */
  executes(operation: OperationName, execute: Execute): void {
    this.#executors.set(operation, execute);
  }

  /** Resolves once the operation this request asks for has been approved and done. Before that throws APPROVAL_REQUIRED with
   *  details approvalId and expiresAt; APPROVAL_REFUSED or APPROVAL_EXPIRED when it will not be done; HSM_UNAVAILABLE when it is
   *  approved and the token is away. */
  async require(operation: Operation, asker: Asker): Promise<void> {
    const known = this.#options.approvals.findByRequest(operation.operation, asker);
    if (known && !isSameOperation(known, operation)) throw requestIdReused();
    const record = known ?? (await this.#open(operation, asker));
    const state = this.#stateOf(record);
    if (state === "refused") throw new PkiError("APPROVAL_REFUSED", "the custodians refused", details(record));
    if (state === "expired")
      throw new PkiError("APPROVAL_EXPIRED", "the custodians did not agree in time", details(record));
    if (state === "pending" && !(await this.#executeIfApproved(record))) {
      throw new PkiError("APPROVAL_REQUIRED", "custodians have to approve this", details(record));
    }
  }

  /** Newest first. */
  list(state?: ApprovalStateName): Approval[] {
    const all = this.#options.approvals.list(MAX_LISTED).map((record) => this.#toApproval(record));
    return state ? all.filter((approval) => approval.state === state) : all;
  }

  get(approvalId: string): Approval {
    return this.#toApproval(this.#find(approvalId));
  }

  /** Takes a custodian's signed decision and does what was asked for when it is the one that was missing. A repeat changes nothing.
   *  Throws NOT_FOUND, APPROVAL_INVALID (not a custodian, the requester's own, decided otherwise before, wrong signature),
   *  APPROVAL_REFUSED and APPROVAL_EXPIRED (too late). */
  async decide(approvalId: string, by: Omit<DecisionRecord, "decidedAt">, who: Who): Promise<Approval> {
    const record = this.#find(approvalId);
    const earlier = this.#options.approvals.decisions(approvalId).find((each) => each.custodianId === by.custodianId);
    if (earlier) {
      if (earlier.decision !== by.decision) throw invalid("this custodian has decided otherwise before");
    } else {
      await this.#take(record, by, who);
    }
    await this.#executeIfApproved(record).catch((error) => this.#postpone(record, error));
    return this.get(approvalId);
  }

  /** Does what was approved and not yet done: after a start, or when the token came back. */
  async resume(): Promise<void> {
    for (const record of this.#options.approvals.pending()) {
      await this.#executeIfApproved(record).catch((error) => this.#postpone(record, error));
    }
  }

  /** Ends every other pending approval. Only inside `store.write`. */
  expireOthers(approvalId: string): void {
    for (const record of this.#options.approvals.pending()) {
      if (record.approvalId !== approvalId) this.#options.approvals.close(record.approvalId, "expired");
    }
  }

  async #open(operation: Operation, asker: Asker): Promise<ApprovalRecord> {
    const { approvals, store, clock, log, validityMs } = this.#options;
    if (this.#eligible(asker).length < operation.threshold) {
      throw new PkiError(
        "APPROVAL_REFUSED",
        "there are fewer custodians than the key demands, the requester not counted",
      );
    }
    const createdAt = clock.now();
    const expiresAt = new Date(createdAt.getTime() + validityMs);
    const approvalId = randomUUID();
    const nonce = randomBytes(16).toString("hex");
    const request = { ...operation, ...asker, approvalId, nonce, expiresAt };
    const canonicalRequest = buildCanonicalRequest(request);
    const record: ApprovalRecord = { ...request, canonicalRequest, state: "pending", createdAt };
    return store.write(() => {
      const known = approvals.findByRequest(operation.operation, asker); // asked twice at once
      if (known) return known;
      approvals.insert(record);
      store.audit.add({ ...audited(record, asker), outcome: "requested" });
      log.info("approval requested", { approvalId, operation: operation.operation, keyId: operation.keyId });
      return record;
    });
  }

  async #take(record: ApprovalRecord, by: Omit<DecisionRecord, "decidedAt">, who: Who): Promise<void> {
    const { approvals, store, clock } = this.#options;
    const state = this.#stateOf(record);
    if (state === "expired") throw new PkiError("APPROVAL_EXPIRED", "it is too late to decide", details(record));
    if (state === "refused") throw new PkiError("APPROVAL_REFUSED", "it was refused before", details(record));
    if (state === "executed") throw invalid("it is done already");
    const custodian = this.#eligible(record).find((each) => each.custodianId === by.custodianId);
    if (!custodian) throw invalid("this is no custodian, or the requester");
    if (!isDecidedBy(custodian, record, by)) throw invalid("the signature is not this custodian's over this request");
    await store.write(() => {
      approvals.insertDecision(record.approvalId, { ...by, decidedAt: clock.now() });
      const { custodianId, decision } = by;
      store.audit.add({
        ...audited(record, who),
        ...{ action: "approval.decide", outcome: "done", details: { custodianId, decision } },
      });
      if (!this.#isReachable(record)) {
        approvals.close(record.approvalId, "refused");
        store.audit.add({ ...audited(record, who), outcome: "refused", code: "APPROVAL_REFUSED" });
      }
    });
  }

  /** True when it was approved, and is done now. */
  async #executeIfApproved(record: ApprovalRecord): Promise<boolean> {
    if (this.#stateOf(record) !== "pending" || this.#votes(record, "approve") < record.threshold) return false;
    const running = this.#executing.get(record.approvalId);
    if (running) await running;
    else {
      const execution = this.#execute(record).finally(() => this.#executing.delete(record.approvalId));
      this.#executing.set(record.approvalId, execution);
      await execution;
    }
    return true;
  }

  async #execute(record: ApprovalRecord): Promise<void> {
    const { approvals, store, log } = this.#options;
    const execute = this.#executors.get(record.operation);
    if (!execute) throw new Error(`nobody executes ${record.operation}`);
    const write = await execute(record);
    await store.write(() => {
      write();
      approvals.close(record.approvalId, "executed");
      store.audit.add({ ...audited(record, record), outcome: "done" });
    });
    log.info("approved operation done", { approvalId: record.approvalId, operation: record.operation });
  }

  #postpone(record: ApprovalRecord, error: unknown): void {
    const { approvalId, operation } = record;
    this.#options.log.warn("approved operation could not be done yet", { approvalId, operation, error });
  }

  #find(approvalId: string): ApprovalRecord {
    const record = this.#options.approvals.find(approvalId);
    if (!record) throw new PkiError("NOT_FOUND", "no such approval");
    return record;
  }

  #toApproval(record: ApprovalRecord): Approval {
    return { ...record, state: this.#stateOf(record), decisions: this.#options.approvals.decisions(record.approvalId) };
  }

  /** The state on the disk, unless time has passed over it. Reads again: `record` may be older than the last decision. */
  #stateOf({ approvalId, expiresAt }: ApprovalRecord): ApprovalStateName {
    const { state } = this.#find(approvalId);
    return state === "pending" && this.#options.clock.now() >= expiresAt ? "expired" : state;
  }

  /** Nobody approves what they asked for themselves. */
  #eligible({ requester }: Pick<Asker, "requester">): CustodianRecord[] {
    const custodians = this.#options.custodians.current()?.custodians ?? [];
    return custodians.filter(({ identity }) => identity !== requester);
  }

  /** Custodians in force whose signature over this decision verifies. */
  #votes(record: ApprovalRecord, decision: DecisionName): number {
    const decisions = this.#options.approvals.decisions(record.approvalId).filter((each) => each.decision === decision);
    return this.#eligible(record).filter((custodian) =>
      decisions.some((each) => each.custodianId === custodian.custodianId && isDecidedBy(custodian, record, each)),
    ).length;
  }

  #isReachable(record: ApprovalRecord): boolean {
    return this.#eligible(record).length - this.#votes(record, "refuse") >= record.threshold;
  }
}

function audited(
  { approvalId, operation, organisation, keyId, requestId }: ApprovalRecord,
  { caller, requester }: Who,
) {
  return {
    ...{ action: `approval.${operation}`, caller, requester, organisation, target: keyId || approvalId, requestId },
    details: { approvalId } as Readonly<Record<string, unknown>>,
  };
}

const details = ({ approvalId, expiresAt }: ApprovalRecord) => ({
  details: { approvalId, expiresAt: expiresAt.toISOString() },
});

const invalid = (why: string): PkiError => new PkiError("APPROVAL_INVALID", `not accepted: ${why}`);
