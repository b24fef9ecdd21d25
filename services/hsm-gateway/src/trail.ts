import { ERRORS, type ErrorCode, isErrorCode, toPkiError } from "@vcc-pki/errors";
import type { Refusal } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { AuditRecord, Logger } from "@vcc-pki/telemetry";
import type { Who } from "./request.ts";

export type Act = Pick<AuditRecord, "action" | "organisation" | "target" | "requestId" | "details">;

/** Audit records of what was not done. What was done is recorded in the transaction that did it. */
export class Trail {
  readonly #store: Store;
  readonly #log: Logger;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Runs `work`; when it refuses for good, that is recorded before the caller hears of it. What may be tried again
   *  (ERRORS[code].retry) is no refusal. */
  async refusals<T>(who: Who, act: Act, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.refused(who, act, error);
      throw error;
    }
  }

  refused(who: Who, act: Act, error: unknown): Promise<void> {
    return this.#refused(who, act, toPkiError(error).code);
  }

  /** A call that was turned away before a handler saw it. */
  refusedCall({ method, caller = "unknown", code }: Refusal): Promise<void> {
    const act = { action: "rpc.call", organisation: "", target: method };
    return this.#refused({ caller, requester: caller }, act, isErrorCode(code) ? code : "INTERNAL");
  }

  async #refused(who: Who, act: Act, code: ErrorCode): Promise<void> {
    if (ERRORS[code].retry) return;
    try {
      await this.add({ ...clip(act), ...who, code, outcome: code === "INTERNAL" ? "failed" : "refused" });
    } catch (cause) {
      this.#log.error("refusal was not recorded", { error: cause, action: act.action, code });
    }
  }

  async add(record: AuditRecord): Promise<void> {
    await this.#store.write(() => this.#store.audit.add(record));
  }
}

/** What was refused may be anything, of any length. */
const clip = (act: Act): Act => ({
  ...act,
  organisation: act.organisation.slice(0, MAX_CHARACTERS),
  target: act.target?.slice(0, MAX_CHARACTERS),
  requestId: act.requestId?.slice(0, MAX_CHARACTERS),
});

const MAX_CHARACTERS = 128;
