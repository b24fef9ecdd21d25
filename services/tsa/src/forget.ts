import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { EvidenceTable } from "./store/evidence.ts";
import type { RequestTable } from "./store/requests.ts";
import type { TokenTable } from "./store/tokens.ts";

/** So many rows at once take some milliseconds. */
const AT_ONCE = 500;

export interface ForgettingOptions {
  readonly store: Store;
  readonly tokens: TokenTable;
  readonly requests: RequestTable;
  readonly evidence: EvidenceTable;
  readonly retentionMs: number;
  readonly clock: Clock;
}

/** Forgets tokens that are older than they are kept, with their request ids and evidence, in portions between which others have their turn. */
export async function forgetOld(options: ForgettingOptions): Promise<void> {
  const { store, tokens, requests, evidence, retentionMs, clock } = options;
  const before = new Date(clock.now().getTime() - retentionMs);
  for (let forgotten = AT_ONCE; forgotten === AT_ONCE; ) {
    forgotten = await store.write(() => tokens.forgetBefore(before, AT_ONCE));
    await store.write(() => requests.forgetOrphans(AT_ONCE));
  }
  // Evidence is older than every token that rests on it, by less than a day.
  await store.write(() => evidence.forgetBefore(new Date(before.getTime() - EVIDENCE_LEAD_MS)));
}

const EVIDENCE_LEAD_MS = 86_400_000;
