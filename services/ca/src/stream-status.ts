import { setImmediate as nextTurn } from "node:timers/promises";
import type { LogPosition, StatusChange, StatusLog } from "./store/status-log.ts";

export interface StatusBatch {
  readonly generation: number;
  /** What the reader knows is of another generation or ahead of us: it starts anew. */
  readonly fromStart: boolean;
  readonly changes: readonly StatusChange[];
  readonly head: number;
}

/** Changes in one message: some 10 ms of reading, after which others have their turn. */
const BATCH = 1_000;
/** With certificates, of some 800 octets each. */
const BATCH_WITH_SUBJECTS = 500;

/** All changes after a position, up to the newest. There is always a first batch, which says where things stand. Reads between
 *  writes: a certificate that changes meanwhile is told as it is now, and again under its later sequence. */
export async function* streamStatus(
  log: StatusLog,
  { generation, sequence: afterSequence }: LogPosition,
  { withSubjects = false }: { readonly withSubjects?: boolean } = {},
): AsyncGenerator<StatusBatch> {
  const fromStart = generation !== log.generation || afterSequence > log.head();
  let position = fromStart ? 0 : afterSequence;
  for (let isFirst = true; ; isFirst = false) {
    const changes = withSubjects ? log.afterWithSubjects(position, BATCH_WITH_SUBJECTS) : log.after(position, BATCH);
    const head = log.head();
    position = changes.at(-1)?.sequence ?? head;
    yield { generation: log.generation, fromStart: isFirst && fromStart, changes, head };
    if (position >= head) return;
    await nextTurn();
  }
}
