import { PkiError } from "@vcc-pki/errors";
import { leafHash, MerkleTree } from "@vcc-pki/merkle";
import { type BulkItem, BulkMode, type BulkTimestampRequest, type BulkTimestampResponse } from "@vcc-pki/proto/tsa";
import { itemKey, type RequestKey } from "@vcc-pki/rpc";
import { TimeStampRefusal, type TimeStampReq } from "@vcc-pki/x509";
import type { Messages } from "./messages.ts";
import { questionOf } from "./question.ts";
import type { Desk, Outcome } from "./respond.ts";

const MAX_DIGESTS = 10_000;
/** Tokens made at once, and items told of in one message. */
const TOKENS_AT_ONCE = 128;
const BATCHES_AT_ONCE = 4;
const PROOFS_AT_ONCE = 500;

export interface BulkOptions {
  readonly desk: Desk;
  readonly messages: Messages;
}

/** Stamps many digests at once: each by itself, or all by one token over the root of a tree. A repeat under the same request id goes on
 *  where the first attempt stopped. */
export class Bulk {
  readonly #options: BulkOptions;

  constructor(options: BulkOptions) {
    this.#options = options;
  }

  /** `organisation` is whose tokens they are. Throws REQUEST_MALFORMED before the first answer. */
  stamp(
    request: BulkTimestampRequest,
    organisation: string,
    key: RequestKey,
    signal: AbortSignal,
  ): AsyncGenerator<BulkTimestampResponse> {
    const { digests, mode } = request;
    if (digests.length === 0 || digests.length > MAX_DIGESTS)
      throw new PkiError("REQUEST_MALFORMED", `a bulk has 1 to ${MAX_DIGESTS} digests`);
    if (mode === BulkMode.SINGLE_TOKENS) return this.#stampEach(request, organisation, key, signal);
    if (mode === BulkMode.MERKLE_TREE) return this.#stampRoot(request, organisation, key);
    throw new PkiError("REQUEST_MALFORMED", "a bulk is of single tokens or of a Merkle tree");
  }

  async *#stampEach(
    request: BulkTimestampRequest,
    organisation: string,
    key: RequestKey,
    signal: AbortSignal,
  ): AsyncGenerator<BulkTimestampResponse> {
    const underWay: Promise<BulkItem[]>[] = [];
    for (let start = 0; start < request.digests.length && !signal.aborted; start += TOKENS_AT_ONCE) {
      const batch = this.#stampBatch(request, start, organisation, key);
      batch.catch(() => {}); // what fails is told when its turn comes
      underWay.push(batch);
      if (underWay.length === BATCHES_AT_ONCE) yield toItems(await (underWay.shift() as Promise<BulkItem[]>));
    }
    for (const batch of underWay) yield toItems(await batch);
  }

  #stampBatch(
    { digests, unit, ...request }: BulkTimestampRequest,
    start: number,
    organisation: string,
    key: RequestKey,
  ): Promise<BulkItem[]> {
    const { desk, messages } = this.#options;
    const stampOne = async (digest: Uint8Array, index: number): Promise<BulkItem> => {
      const input = { unit, organisation, request: itemKey(key, index) };
      const outcome = await desk.stampAsked(() => questionFor(request, request.hashAlgorithm, digest), input);
      return { index, outcome: messages.outcome(outcome) };
    };
    const batch = digests.slice(start, start + TOKENS_AT_ONCE);
    return Promise.all(batch.map((digest, i) => stampOne(digest, start + i)));
  }

  async *#stampRoot(
    { digests, unit, ...request }: BulkTimestampRequest,
    organisation: string,
    key: RequestKey,
  ): AsyncGenerator<BulkTimestampResponse> {
    const { desk, messages } = this.#options;
    const tree = new MerkleTree(digests.map(leafHash));
    const ask = () => {
      requireDigests(request, digests);
      return questionFor(request, "sha256", tree.root);
    };
    const stamped: Outcome = await desk.stampAsked(ask, { unit, organisation, request: key });
    const outcome = messages.outcome(stamped);
    if (outcome.$case === "refusal") {
      yield { rootToken: undefined, items: [], refusal: outcome.value };
      return;
    }
    for (let start = 0; start < digests.length; start += PROOFS_AT_ONCE) {
      const length = Math.min(PROOFS_AT_ONCE, digests.length - start);
      const items = Array.from({ length }, (_, i) => proofItem(tree, start + i));
      yield { rootToken: start === 0 ? outcome.value : undefined, items, refusal: undefined };
    }
  }
}

const questionFor = (
  { policyOid, certReq }: Pick<BulkTimestampRequest, "policyOid" | "certReq">,
  hashAlgorithm: string,
  digest: Uint8Array,
): TimeStampReq =>
  questionOf({ messageImprint: { hashAlgorithm, digest }, policyOid, certReq, nonce: new Uint8Array() });

/** The first is looked at as if it were stamped by itself; all are as long. */
function requireDigests(request: Omit<BulkTimestampRequest, "digests" | "unit">, digests: readonly Uint8Array[]): void {
  const [first = new Uint8Array()] = digests;
  questionFor(request, request.hashAlgorithm, first);
  if (digests.some(({ length }) => length !== first.length))
    throw new TimeStampRefusal("badDataFormat", `digest does not have the length of ${request.hashAlgorithm}`);
}

const toItems = (items: BulkItem[]): BulkTimestampResponse => ({ rootToken: undefined, items, refusal: undefined });

function proofItem(tree: MerkleTree, index: number): BulkItem {
  const { leafIndex, treeSize, path } = tree.proofOf(index);
  return { index, outcome: { $case: "proof", value: { leafIndex, treeSize, path: [...path] } } };
}
