import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { Actor } from "./actor.ts";
import type { Authorities } from "./authorities.ts";
import { buildList, type ListContent, type ListScope, wholeSecond } from "./crl-build.ts";
import { changesAfter, chooseBase, PAGE, readAll, readChanges } from "./crl-entries.ts";
import { type Situation, stateAfter, takeOver, type Wanted } from "./crl-plan.ts";
import { type CrlRules, listPlan, NEVER } from "./crl-rules.ts";
import { listAudit } from "./crl-signing.ts";
import { archives } from "./issuers.ts";
import type { Profiles } from "./profiles.ts";
import type { CrlTable, StoredCrl } from "./store/crls.ts";
import type { ListBase, ListBases } from "./store/list-bases.ts";
import type { ListEntries } from "./store/list-entries.ts";
import type { ListKey, ListTable } from "./store/lists.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";
import type { StatusLog } from "./store/status-log.ts";
import type { PublicUrls } from "./urls.ts";

export interface ListBeginningContext {
  readonly store: Store;
  readonly crls: CrlTable;
  readonly lists: ListTable;
  readonly bases: ListBases;
  readonly entries: ListEntries;
  readonly requests: RequestTable;
  readonly statusLog: StatusLog;
  readonly authorities: Authorities;
  readonly profiles: Profiles;
  readonly rules: CrlRules;
  readonly urls: PublicUrls;
  /** SPIFFE URI of this service, in whose name scheduled lists are begun. */
  readonly self: string;
  readonly clock: Clock;
}

/** Who asks for a list. */
export interface Asked {
  readonly actor: Actor;
  readonly request: RequestKey;
}

const ON_DEMAND: Wanted = { full: true, delta: false, isScheduled: false };

/** The first half of every list: its number, its entries, its bytes. Revocations from then on wait for the next one. To be called for
 *  one list of a shard at a time. */
export class ListBeginning {
  readonly #ca: ListBeginningContext;

  constructor(context: ListBeginningContext) {
    this.#ca = context;
  }

  situation(key: ListKey): Situation {
    const { crls, lists, bases, entries, rules, clock } = this.#ca;
    const state = lists.find(key);
    if (state === undefined) throw new Error(`${key.authorityId} has no list ${key.crlShard}`);
    const { plan } = this.#scopeOf(key);
    const now = clock.now();
    const inForce = asBase(crls.findFactsInForce(key, "full", now));
    const used = bases.since(key, new Date(now.getTime() - rules.validity));
    const base = inForce && chooseBase(entries, key, used, inForce);
    return {
      ...{ state, plan, rules, now, inForce, base },
      hasManyChanges: plan.hasDeltas && entries.hasManyChanges(key, base?.logSequence ?? 0, PAGE),
      isLong: !plan.isUnderQuorum && entries.isLong(key, rules.fullAtOnceBelow),
    };
  }

  /** Begins what is due. */
  async due(key: ListKey, wanted: Wanted): Promise<StoredCrl[]> {
    const { isLong, hasManyChanges } = this.situation(key);
    const takesLong = (wanted.full && isLong) || (wanted.delta && hasManyChanges);
    return (await (takesLong ? this.#beginLong(key, wanted) : this.#begin(key, wanted, 1))) ?? [];
  }

  /** Begins full lists that somebody asks for, or takes up those that wait for custodians already. undefined when the request id has been
   *  taken meanwhile. */
  asked(key: ListKey, asked: Asked, ahead: number): Promise<StoredCrl[] | undefined> {
    const { isLong } = this.situation(key);
    return isLong ? this.#beginLong(key, ON_DEMAND, asked) : this.#begin(key, ON_DEMAND, Math.max(ahead, 1), asked);
  }

  /** The authority's certificate has ended: what it signed means nothing any more. */
  isOver(key: ListKey): boolean {
    return this.#scopeOf(key).issuer.facts.notAfter <= this.#ca.clock.now();
  }

  /** Nothing is due any more. */
  async retire(key: ListKey): Promise<void> {
    const { store, lists } = this.#ca;
    await store.write(() => {
      const state = lists.find(key);
      if (state) lists.put({ ...state, dueAt: NEVER, deltaDueAt: NEVER, dirtySince: undefined });
    });
  }

  /** Has the other lists of an authority signed soon. */
  async makeOthersDue(authorityId: string): Promise<void> {
    const { store, lists, clock } = this.#ca;
    await store.write(() => lists.makeOthersDue(authorityId, clock.now()));
  }

  /** Lists ahead that wait for custodians while something was revoked would say less than is known. */
  async dropOutdated(key: ListKey): Promise<void> {
    const { store, crls, clock, self } = this.#ca;
    const outdated = crls.pending(key).filter(({ thisUpdate }) => thisUpdate > clock.now());
    if (outdated.length === 0 || this.#ca.lists.find(key)?.dirtySince === undefined) return;
    await store.write(() => {
      for (const crl of outdated) {
        crls.abandon(crl);
        store.audit.add(listAudit(crl, "failed", self, { reason: "outdated by a revocation" }));
      }
    });
  }

  #begin(key: ListKey, wanted: Wanted, ahead: number, asked?: Asked): Promise<StoredCrl[] | undefined> {
    const { store, crls } = this.#ca;
    return store.write(() => {
      const situation = this.situation(key);
      const waiting = asked ? crls.pending(key) : [];
      const isTakenUp = waiting.length >= ahead;
      const lists = isTakenUp ? waiting : this.#build(key, situation, wanted, ahead);
      if (asked && !this.#takeRequest(asked, lists)) return undefined;
      if (isTakenUp) return lists;
      for (const crl of waiting) crls.abandon(crl); // fewer than are wanted now
      this.#store(situation, wanted, lists, asked);
      return lists;
    });
  }

  /** All of what is wanted says the same, so it has the same number (RFC 5280 section 5.2.4). Lists ahead come one after the other. */
  #build(key: ListKey, situation: Situation, wanted: Wanted, ahead: number): StoredCrl[] {
    const { entries, rules, statusLog } = this.#ca;
    const { base } = situation;
    const scope = this.#scopeOf(key);
    const crlNumber = this.#nextNumber(situation);
    const common = { crlNumber, thisUpdate: wholeSecond(situation.now), logSequence: statusLog.head() };
    const since = this.#keptSince(scope, situation);
    const lists = wanted.full ? this.#buildAhead(scope, { ...common, since }, ahead) : [];
    if (wanted.delta && base) {
      const changes = changesAfter(entries, key, since, base.logSequence);
      const delta = { ...common, baseNumber: base.crlNumber, validityMs: rules.deltaValidity, entries: changes };
      lists.push(buildList(scope, delta));
    }
    return lists;
  }

  #buildAhead(
    scope: ListScope,
    first: Pick<ListContent, "crlNumber" | "thisUpdate" | "logSequence"> & { readonly since: Date },
    count: number,
  ): StoredCrl[] {
    const lists: StoredCrl[] = [];
    let { crlNumber, thisUpdate, since } = first;
    while (lists.length < count && thisUpdate < scope.issuer.facts.notAfter) {
      const listed = this.#ca.entries.page(scope.key, since);
      const { logSequence } = first;
      const list = buildList(scope, {
        ...{ crlNumber, thisUpdate, logSequence, validityMs: this.#validityMs(scope), entries: listed },
      });
      lists.push(list);
      since = scope.archives ? since : thisUpdate;
      thisUpdate = takeOver(list);
      crlNumber++;
    }
    return lists;
  }

  /** A long list is read in pages between other work. What changes meanwhile may be on it or not: it says everything up to where the
   *  log stood before, and the rest stays to be listed. */
  async #beginLong(key: ListKey, wanted: Wanted, asked?: Asked): Promise<StoredCrl[] | undefined> {
    const { store, statusLog, entries, rules, clock } = this.#ca;
    const scope = this.#scopeOf(key);
    const logSequence = statusLog.head();
    const before = this.situation(key);
    const since = this.#keptSince(scope, before);
    const base = wanted.full ? undefined : before.base;
    const listed = await (base ? readChanges(entries, key, since, base.logSequence) : readAll(entries, key, since));
    const list = buildList(scope, {
      ...{ crlNumber: this.#nextNumber(this.situation(key)), baseNumber: base?.crlNumber },
      ...{ thisUpdate: wholeSecond(clock.now()), logSequence, entries: listed },
      validityMs: base ? rules.deltaValidity : this.#validityMs(scope),
    });
    return store.write(() => {
      if (asked && !this.#takeRequest(asked, [list])) return undefined;
      this.#store(this.situation(key), wanted, [list], asked);
      if (entries.hasChanged(key, logSequence)) this.#ca.lists.markDirty(key, clock.now());
      return [list];
    });
  }

  #store(situation: Situation, wanted: Wanted, lists: readonly StoredCrl[], asked?: Asked): void {
    const { store, crls, self } = this.#ca;
    for (const crl of lists) {
      crls.insert(crl);
      const tbsSha256 = hash("sha256", crl.tbsDer ?? "", "hex");
      store.audit.add(listAudit(crl, "requested", asked?.actor ?? self, { tbsSha256 }));
    }
    this.#ca.lists.put(stateAfter(situation, wanted, lists));
  }

  /** False when it has been taken meanwhile. */
  #takeRequest({ request }: Asked, lists: readonly StoredCrl[]): boolean {
    const numbers = lists.filter(({ kind }) => kind === "full").map(({ crlNumber }) => crlNumber);
    return this.#ca.requests.insert(request, numbers.join(","), this.#ca.clock.now());
  }

  #scopeOf(key: ListKey): ListScope {
    const { authorities, profiles, rules, urls } = this.#ca;
    const authority = authorities.find(key.authorityId);
    const issuer = authorities.findIssuer(key.authorityId);
    if (authority === undefined || issuer === undefined)
      throw new PkiError("AUTHORITY_NOT_ACTIVE", `${key.authorityId} has no certificate yet`);
    return { key, issuer, plan: listPlan(rules, authority), archives: archives(authority, profiles), urls };
  }

  /** Since when what has expired is kept: it was on a list by schedule since (RFC 5280 section 3.3). */
  #keptSince({ archives: isForever }: ListScope, { state }: Situation): Date {
    return isForever ? new Date(0) : state.scheduledAt;
  }

  /** A number taken from the clock stays greater than all before it even after a restored backup has forgotten some. */
  #nextNumber({ state, now }: Situation): number {
    return Math.max(state.lastNumber + 1, now.getTime());
  }

  #validityMs({ plan }: ListScope): number {
    const { validity, underQuorumValidity } = this.#ca.rules;
    return plan.isUnderQuorum ? underQuorumValidity : validity;
  }
}

/** A list from before there was a status log is none for delta lists. */
const asBase = (crl: StoredCrl | undefined): ListBase | undefined =>
  crl?.logSequence === undefined ? undefined : { ...crl, logSequence: crl.logSequence };

/** The numbers of the lists that a request led to. */
export const parseTarget = (target: string): number[] => target.split(",").map(Number);
