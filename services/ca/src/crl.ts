import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { Actor } from "./actor.ts";
import { noSuchAuthority } from "./authorities.ts";
import { ListBeginning, type ListBeginningContext, parseTarget } from "./crl-begin.ts";
import { listsDue } from "./crl-plan.ts";
import { listPlan } from "./crl-rules.ts";
import { ListSigning, type ListSigningContext } from "./crl-signing.ts";
import type { ListKind, StoredCrl } from "./store/crls.ts";
import type { ListKey } from "./store/lists.ts";
import type { RequestKey } from "./store/requests.ts";

export type CrlContext = ListSigningContext & ListBeginningContext;

/** How many lists custodians may sign ahead. */
const MAX_AHEAD = 24;

/** Certificate revocation lists: full and delta, one of each for each shard of an authority. The number and the bytes are stored
 *  before they are signed, so a crash leaves a list that is finished later, never a number given twice. */
export class Crls {
  readonly #ca: CrlContext;
  readonly #beginning: ListBeginning;
  readonly #signing: ListSigning;
  /** What goes on for each shard, one thing after the other. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(context: CrlContext) {
    this.#ca = context;
    this.#beginning = new ListBeginning(context);
    this.#signing = new ListSigning(context);
  }

  /** The list in force. Throws NOT_FOUND. */
  get(authorityId: string, crlShard = 0, kind: ListKind = "full"): StoredCrl {
    const key = this.#keyOf(authorityId, crlShard);
    const crl = this.#ca.crls.findInForce(key, kind, this.#ca.clock.now());
    if (crl === undefined) throw new PkiError("NOT_FOUND", "no such list");
    return crl;
  }

  /** What `get` would give, of every authority, without the bytes. */
  list(): StoredCrl[] {
    return this.#ca.crls.allInForce(this.#ca.clock.now());
  }

  /** Signs a new full list now, and `ahead` of them under quorum. There: APPROVAL_REQUIRED until the custodians have approved; the
   *  same request id then gives the list. Throws NOT_FOUND, REQUEST_MALFORMED for lists ahead where nobody has to be asked. */
  async publish(actor: Actor, request: RequestKey, authorityId: string, ahead: number): Promise<StoredCrl> {
    const authority = this.#ca.authorities.getVisible(authorityId, actor.organisation.organisation);
    if (authority.organisation !== actor.organisation.organisation) throw noSuchAuthority();
    const { isUnderQuorum } = listPlan(this.#ca.rules, authority);
    if (ahead > (isUnderQuorum ? MAX_AHEAD : 1))
      throw new PkiError("REQUEST_MALFORMED", `at most ${MAX_AHEAD} lists are signed ahead, and only under quorum`);
    const earlier = this.#ca.requests.findTarget(request);
    if (earlier !== undefined) return this.#repeat(authorityId, earlier);

    const key = this.#keyOf(authorityId, 0);
    const isFirst = await this.#alone(key, async () => {
      if (!isUnderQuorum) await this.#signing.finish(this.#ca.crls.pending(key)); // begun before, as it was begun
      const lists = await this.#beginning.asked(key, { actor, request }, ahead);
      if (lists) await this.#signing.finish(lists);
      return lists !== undefined;
    });
    if (!isFirst) return this.publish(actor, request, authorityId, ahead); // the same request id, twice at once
    await this.#beginning.makeOthersDue(authorityId);
    return this.get(authorityId);
  }

  /** Tells of what has taken over, and signs what is due, what waits for revocations to be listed, and what was begun before. One list that fails does not keep
   *  the others. */
  async runDue(): Promise<void> {
    await this.#signing.announceTakenOver();
    const now = this.#ca.clock.now();
    const dirtyBefore = new Date(now.getTime() - this.#ca.rules.coalesce);
    for (const state of this.#ca.lists.waiting(now, dirtyBefore)) {
      try {
        await this.#alone(state, () => this.#runOne(state));
      } catch (error) {
        const { code } = toPkiError(error);
        if (code !== "APPROVAL_REQUIRED") this.#ca.log.error("crl not signed", { authority: state.authorityId, error });
      }
    }
  }

  async #runOne(key: ListKey): Promise<void> {
    await this.#beginning.dropOutdated(key);
    const pending = this.#ca.crls.pending(key);
    if (pending.length > 0) await this.#signing.finish(pending);
    if (this.#beginning.isOver(key)) return this.#beginning.retire(key);
    const situation = this.#beginning.situation(key);
    const wanted = listsDue(situation);
    if (!wanted.full && !wanted.delta) return;
    // A long list takes a while: what has changed is on the delta list before.
    const isApart = (situation.isLong || situation.hasManyChanges) && wanted.full && wanted.delta;
    const parts = isApart
      ? [
          { ...wanted, full: false },
          { ...wanted, delta: false },
        ]
      : [wanted];
    for (const part of parts) await this.#signing.finish(await this.#beginning.due(key, part));
  }

  async #repeat(authorityId: string, target: string): Promise<StoredCrl> {
    const key = this.#keyOf(authorityId, 0);
    const lists = parseTarget(target).flatMap((number) => this.#ca.crls.find(key, "full", number) ?? []);
    if (lists.some(({ state }) => state === "abandoned"))
      throw new PkiError("APPROVAL_REFUSED", "this list was not signed, or another has taken its place");
    const pending = lists.filter(({ state }) => state === "pending");
    if (pending.length > 0) await this.#alone(key, () => this.#signing.finish(pending));
    return this.get(authorityId); // a newer one, if there is one by now
  }

  /** Runs `work` when nothing else goes on for this shard. */
  #alone<T>({ authorityId, crlShard }: ListKey, work: () => Promise<T>): Promise<T> {
    const name = `${authorityId}:${crlShard}`;
    const result = (this.#queues.get(name) ?? Promise.resolve()).then(work);
    const over = result
      .catch(() => {}) // told to whoever asked for it
      .then(() => {
        if (this.#queues.get(name) === over) this.#queues.delete(name);
      });
    this.#queues.set(name, over);
    return result;
  }

  #keyOf(authorityId: string, crlShard: number): ListKey {
    const authority = this.#ca.authorities.find(authorityId);
    if (authority === undefined) throw noSuchAuthority();
    return { organisation: authority.organisation, authorityId, crlShard };
  }
}
