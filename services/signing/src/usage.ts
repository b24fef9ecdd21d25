import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { CallContext, RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { SignatureTable, StoredSignature } from "./store/signatures.ts";
import type { UsageAction, UsageTable } from "./store/usages.ts";

export interface UsageLogOptions {
  readonly store: Store;
  readonly usages: UsageTable;
  readonly signatures: SignatureTable;
  readonly clock: Clock;
}

export interface ReportedUsage {
  readonly signatureId: string;
  readonly action: UsageAction;
  readonly context: string;
  readonly times: number;
}

/** What callers say they have done with what was signed. */
export class UsageLog {
  readonly #options: UsageLogOptions;

  constructor(options: UsageLogOptions) {
    this.#options = options;
  }

  /** One commit: the usage, audit record and event. A repeat changes nothing. Throws NOT_FOUND, REQUEST_ID_REUSED. */
  async record(
    organisation: string,
    { signatureId, action, context, times }: ReportedUsage,
    request: RequestKey,
    { caller, requester }: CallContext,
  ): Promise<void> {
    const { store, usages, clock } = this.#options;
    const { signature, artefactDigest } = this.get(organisation, signatureId);
    await store.write(() => {
      if (!usages.insert(signature, request, { action, context, times, usedAt: clock.now() })) return;
      store.audit.add({
        ...{ action: "artefact.use", outcome: "done", caller: caller.uri, requester: requester.uri, organisation },
        ...{ target: signatureId, requestId: request.requestId, details: { usage: action, times, artefactDigest } },
      });
      store.outbox.add(
        event("pki.artefact.used.v1", organisation, { signatureId, artefactDigest, usage: action, count: times }),
      );
    });
  }

  /** Throws NOT_FOUND. */
  get(organisation: string, signatureId: string): StoredSignature {
    const found = this.#options.signatures.findById(organisation, signatureId);
    if (found === undefined) throw new PkiError("NOT_FOUND", "no such signature");
    return found;
  }
}
