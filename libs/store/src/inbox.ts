import type { Clock } from "@vcc-pki/time";
import type { GroupCommit } from "./group-commit.ts";
import type { Database } from "./sqlite.ts";

/** Longer than the bus keeps a message, so that nothing it can deliver again has been forgotten here. */
const KEPT_MS = 30 * 86_400_000;

const FORGET_EVERY = 1_000;

/** Which messages each subscriber has worked on. */
export class Inbox {
  readonly #commit: GroupCommit;
  readonly #clock: Clock;
  readonly #sql;
  #acceptedSinceForgetting = 0;

  constructor(db: Database, commit: GroupCommit, clock: Clock) {
    this.#commit = commit;
    this.#clock = clock;
    this.#sql = {
      insert: db.prepare("INSERT OR IGNORE INTO inbox (subscriber, message_id, received_at) VALUES (?, ?, ?)"),
      find: db.prepare<[string, string], 1>("SELECT 1 FROM inbox WHERE subscriber = ? AND message_id = ?").pluck(),
      forget: db.prepare(
        `DELETE FROM inbox WHERE (subscriber, message_id) IN
         (SELECT subscriber, message_id FROM inbox WHERE received_at < ? ORDER BY received_at LIMIT ${2 * FORGET_EVERY})`,
      ),
    };
  }

  /** Notes that `subscriber` works on the message; false when it already has, and there is nothing left to do. Only inside
   *  `store.write`, together with the work itself: then both are stored or neither. */
  accept(subscriber: string, messageId: string): boolean {
    this.#commit.requireWriting("inbox.accept");
    const now = this.#clock.now().getTime();
    if (++this.#acceptedSinceForgetting >= FORGET_EVERY) {
      this.#acceptedSinceForgetting = 0;
      this.#sql.forget.run(now - KEPT_MS);
    }
    return this.#sql.insert.run(subscriber, messageId, now).changes === 1;
  }

  /** Whether the subscriber has worked on the message. */
  has(subscriber: string, messageId: string): boolean {
    return this.#sql.find.get(subscriber, messageId) === 1;
  }
}
