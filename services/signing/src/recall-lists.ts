import { hash, randomUUIDv7 } from "node:crypto";
import {
  buildBundle,
  buildRecallList,
  RECALL_LIST_PAYLOAD_TYPE,
  RECALL_SHARDS,
  verifyRecallList,
} from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { SuiteTrust } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { buildPae, faultsText } from "@vcc-pki/x509";
import type { ListKey, ListSigner } from "./list-signer.ts";
import type { PublishedList, RecallListTable } from "./store/recall-lists.ts";

export interface RecallListsOptions {
  readonly store: Store;
  readonly table: RecallListTable;
  readonly signer: ListSigner;
  readonly trust: SuiteTrust;
  readonly trustDomain: string;
  /** How long a list counts. It is signed anew after half of it. */
  readonly validityMs: number;
  readonly clock: Clock;
}

/** The lists of what is recalled, for whoever verifies by himself: one for each first hex digit of an artefact's digest, signed at once when what
 *  is in it changes, and before it runs out. */
export class RecallLists {
  readonly #options: RecallListsOptions;

  constructor(options: RecallListsOptions) {
    this.#options = options;
  }

  /** Signs what is due. Rejects with what peers say; the next run goes on. */
  async publish(): Promise<void> {
    const { signer } = this.#options;
    await signer.run();
    const key = signer.find();
    if (key === undefined) return;
    for (let shard = 0; shard < RECALL_SHARDS; shard++) await this.#publish(shard, key);
  }

  find(shard: number): PublishedList | undefined {
    return this.#options.table.find(shard);
  }

  async #publish(shard: number, key: ListKey): Promise<void> {
    const { store, table, clock, validityMs } = this.#options;
    // 1 whether what is to stand in it has changed, or it runs out
    const before = table.find(shard);
    const entries = table.entriesOf(shard);
    const entriesSha256 = hash("sha256", JSON.stringify(entries), "buffer");
    const thisUpdate = clock.now();
    const isSame = before !== undefined && Buffer.compare(before.entriesSha256, entriesSha256) === 0;
    if (isSame && before.nextUpdate.getTime() - thisUpdate.getTime() > validityMs / 2) return;
    // 2 the next list, signed. One that is lost on the way was shown to nobody, so that its number may come again
    const nextUpdate = new Date(thisUpdate.getTime() + validityMs);
    const number = (before?.number ?? 0) + 1;
    const payload = buildRecallList({ shard, number, thisUpdate, nextUpdate, entries });
    const envelope = { payloadType: RECALL_LIST_PAYLOAD_TYPE, payload };
    const signature = await key.signer.sign({ $case: "dssePae", value: buildPae(envelope) }, randomUUIDv7());
    const certificates = [key.certificate, ...key.chain];
    const bundle = buildBundle({
      ...{ form: "chain", envelope: { ...envelope, signatures: [signature] }, certificates, timeStamps: [] },
    });
    // 3 looked at as by a relying party, and on disk before anybody has it
    this.#verify(bundle, thisUpdate);
    await store.write(() => table.put({ shard, number, entriesSha256, thisUpdate, nextUpdate, bundle }));
  }

  #verify(bundle: Uint8Array, at: Date): void {
    const { trust, trustDomain } = this.#options;
    const { anchors, intermediates } = trust;
    const { checks, list } = verifyRecallList(
      { bundle, at, graceMs: 0, trustDomain },
      { anchors, intermediates, timeStampAnchors: [] },
    );
    if (list !== undefined) return;
    throw new PkiError("SIGNATURE_INVALID", `the recall list does not verify: ${faultsText(checks)}`);
  }
}
