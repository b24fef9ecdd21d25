import { randomUUIDv7 } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { CallContext, RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { LineageTable, Source } from "./store/lineage.ts";
import type { RecallTable, StoredRecall } from "./store/recalls.ts";
import type { SignatureTable } from "./store/signatures.ts";

/** What is recalled; what was made from it is, too. */
export type RecallTarget =
  | { readonly kind: "artefact"; readonly digest: string }
  | { readonly kind: "signer"; readonly signer: string; readonly signerKeyId: string; readonly since: Date }
  | { readonly kind: "dataset"; readonly dataset: string };

export interface RecallsOptions {
  readonly store: Store;
  readonly recalls: RecallTable;
  readonly lineage: LineageTable;
  readonly signatures: SignatureTable;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after each recall. */
  readonly onRecalled: () => void;
}

/** What must not be used any more. A recall stands for good, and reaches what was made from its target at that moment; nothing is made from
 *  it afterwards, since that is not signed. */
export class Recalls {
  readonly #options: RecallsOptions;

  constructor(options: RecallsOptions) {
    this.#options = options;
  }

  /** Digests of the target and of all that was made from it, sorted. */
  affected(organisation: string, target: RecallTarget): string[] {
    const { lineage } = this.#options;
    return lineage.withDownstream(organisation, this.#targeted(organisation, target));
  }

  /** One commit: the recall, each artefact, audit record and event. Throws REQUEST_ID_REUSED. */
  async recall(
    organisation: string,
    {
      target,
      reason,
      request,
    }: { readonly target: RecallTarget; readonly reason: string; readonly request: RequestKey },
    { caller, requester }: CallContext,
  ): Promise<StoredRecall> {
    const { store, recalls, clock, log, onRecalled } = this.#options;
    const recalled = await store.write(() => {
      const earlier = recalls.findByRequest(request);
      if (earlier !== undefined) return earlier;
      const made = { recallId: randomUUIDv7(), organisation, reason, recalledAt: clock.now() };
      const digests = this.affected(organisation, target);
      const stored = recalls.insert(request, { ...made, targetJson: JSON.stringify(target) }, digests);
      const { recallId, count } = stored;
      store.audit.add({
        ...{ action: "artefact.recall", outcome: "done", caller: caller.uri, requester: requester.uri, organisation },
        ...{ target: recallId, requestId: request.requestId, details: { ...target, count } },
      });
      store.outbox.add(event("pki.artefact.recalled.v1", organisation, { recallId, target: target.kind, count }));
      log.info("artefacts recalled", { organisation, recallId, kind: target.kind, count });
      return stored;
    });
    onRecalled();
    return recalled;
  }

  /** Throws ARTEFACT_RECALLED (details.digest) for an artefact that is recalled, or says that it was made from one that is. */
  requireGood(organisation: string, artefactDigest: string, sources: readonly Source[]): void {
    const digests = [artefactDigest, ...sources.flatMap(({ digest }) => digest ?? [])];
    const recalled = digests.find((digest) => this.#options.recalls.findOf(organisation, digest) !== undefined);
    if (recalled === undefined) return;
    const what = recalled === artefactDigest ? "the artefact" : "what it was made from";
    throw new PkiError("ARTEFACT_RECALLED", `${what} is recalled`, { details: { digest: recalled } });
  }

  #targeted(organisation: string, target: RecallTarget): string[] {
    const { lineage, signatures } = this.#options;
    switch (target.kind) {
      case "artefact":
        return [target.digest];
      case "signer":
        return signatures.digestsBySigner(organisation, target);
      case "dataset":
        return lineage.madeFromDataset(organisation, target.dataset);
    }
  }
}
