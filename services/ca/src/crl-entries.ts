import { setImmediate as nextTurn } from "node:timers/promises";
import { equalBytes, type RevokedCertificate } from "@vcc-pki/x509";
import type { ListBase } from "./store/list-bases.ts";
import type { Change, ListEntries } from "./store/list-entries.ts";
import type { ListKey } from "./store/lists.ts";

/** Entries that are read before others have their turn. */
export const PAGE = 5_000;

/** What a delta list is about: the oldest full list that somebody may still use, so that whoever has a full list that has not ended can
 *  use the delta list; a later one when that is too much to tell. */
export function chooseBase(entries: ListEntries, key: ListKey, used: readonly ListBase[], inForce: ListBase): ListBase {
  return used.find(({ logSequence }) => !entries.hasManyChanges(key, logSequence, PAGE)) ?? inForce;
}

/** The entries of a full list, in the order of serial numbers, read in pages between other work. */
export async function readAll(entries: ListEntries, key: ListKey, since: Date): Promise<RevokedCertificate[]> {
  const listed: RevokedCertificate[] = [];
  for (;;) {
    const page = entries.page(key, since, listed.at(-1)?.serial, PAGE);
    listed.push(...page);
    if (page.length < PAGE) return listed;
    await nextTurn();
  }
}

/** The entries of a delta list: what was revoked after a sequence, and what was released from a hold after it. */
export const changesAfter = (entries: ListEntries, key: ListKey, since: Date, sequence: number): RevokedCertificate[] =>
  bySerial([...entries.revokedAfter(key, since, sequence), ...entries.releasedAfter(key, sequence)]);

/** The same, read in pages between other work. */
export async function readChanges(
  entries: ListEntries,
  key: ListKey,
  since: Date,
  sequence: number,
): Promise<RevokedCertificate[]> {
  const changes: Change[] = [];
  for (;;) {
    const page = entries.revokedAfter(key, since, changes.at(-1)?.sequence ?? sequence, PAGE);
    changes.push(...page);
    if (page.length < PAGE) break;
    await nextTurn();
  }
  const sorted = bySerial([...changes, ...entries.releasedAfter(key, sequence)]);
  await nextTurn();
  return sorted;
}

/** In the order of serial numbers; of several changes of one certificate, which it can have undergone while they were read, the last. */
function bySerial(changes: readonly Change[]): RevokedCertificate[] {
  const sorted = changes.toSorted((a, b) => Buffer.compare(a.serial, b.serial) || a.sequence - b.sequence);
  return sorted.filter(({ serial }, i) => {
    const next = sorted[i + 1];
    return next === undefined || !equalBytes(serial, next.serial);
  });
}
