import type { CrlRules, ListPlan } from "./crl-rules.ts";
import type { StoredCrl } from "./store/crls.ts";
import type { ListBase } from "./store/list-bases.ts";
import type { ListState } from "./store/lists.ts";

/** Where a list stands and what it is to be. */
export interface Situation {
  readonly state: ListState;
  readonly plan: ListPlan;
  readonly rules: CrlRules;
  /** The full list in force, if a delta list can go with it. */
  readonly inForce: ListBase | undefined;
  /** What a delta list is about now. */
  readonly base: ListBase | undefined;
  /** Too long to be signed anew for each revocation. */
  readonly isLong: boolean;
  /** Too much for the delta list to be written in one go. */
  readonly hasManyChanges: boolean;
  readonly now: Date;
}

/** What is to be signed. */
export interface Wanted {
  readonly full: boolean;
  readonly delta: boolean;
  /** The full list comes by schedule: what has expired since the one before is on it once more (RFC 5280 section 3.3). */
  readonly isScheduled: boolean;
}

/** What is due now. A change is on a delta list at once; on a full list at once as well while that is short, and otherwise when the
 *  one in force is old enough. */
export function listsDue({ state, plan, rules, inForce, isLong, now }: Situation): Wanted {
  const isDirty = state.dirtySince !== undefined;
  const isScheduled = state.dueAt <= now;
  const mayWait =
    isLong && plan.hasDeltas && inForce !== undefined && now < later(inForce.thisUpdate, rules.fullInterval);
  const full = isScheduled || (isDirty && !mayWait);
  const delta = plan.hasDeltas && inForce !== undefined && (isDirty || full || state.deltaDueAt <= now);
  return { full, delta, isScheduled };
}

/** Where the list stands once these have been begun. */
export function stateAfter(situation: Situation, wanted: Wanted, lists: readonly StoredCrl[]): ListState {
  const { state, plan, rules, inForce } = situation;
  const full = lists.findLast(({ kind }) => kind === "full");
  const delta = lists.find(({ kind }) => kind === "delta");
  const isScheduled = wanted.isScheduled || plan.isUnderQuorum;
  // A full list alone leaves those waiting who have the one before and look at the delta list.
  const isTold = plan.hasDeltas && inForce !== undefined ? delta !== undefined : full !== undefined;
  return {
    ...state,
    lastNumber: Math.max(state.lastNumber, ...lists.map(({ crlNumber }) => crlNumber)),
    dirtySince: isTold ? undefined : state.dirtySince,
    dueAt: full ? nextFull(full, situation) : soonerFull(situation),
    deltaDueAt: delta ? later(delta.thisUpdate, rules.interval) : state.deltaDueAt,
    scheduledAt: full && isScheduled ? full.thisUpdate : state.scheduledAt,
  };
}

/** Under quorum a list lives long, and the next one is asked for after two thirds of that. */
function nextFull({ thisUpdate, nextUpdate }: StoredCrl, { plan, rules }: Situation): Date {
  return plan.isUnderQuorum ? takeOver({ thisUpdate, nextUpdate }) : later(thisUpdate, rules.interval);
}

/** When the list that follows is to take its place: after two thirds of its life. */
export function takeOver({ thisUpdate, nextUpdate }: Pick<StoredCrl, "thisUpdate" | "nextUpdate">): Date {
  const lifeMs = nextUpdate.getTime() - thisUpdate.getTime();
  return later(thisUpdate, Math.floor((lifeMs * 2) / 3_000) * 1_000);
}

/** Revocations that are on a delta list only do not wait for the full list's next hour. */
function soonerFull({ state, inForce, rules }: Situation): Date {
  if (state.dirtySince === undefined || inForce === undefined) return state.dueAt;
  return new Date(Math.min(later(inForce.thisUpdate, rules.fullInterval).getTime(), state.dueAt.getTime()));
}

const later = (date: Date, ms: number): Date => new Date(date.getTime() + ms);
