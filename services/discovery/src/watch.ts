import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import { Wakeup } from "@vcc-pki/time";
import type { ServiceKey } from "./service-record.ts";
import type { AnchorTable } from "./store/anchors.ts";
import type { Notice, NoticeTable } from "./store/notices.ts";

export interface WatchesOptions {
  readonly store: Store;
  readonly notices: NoticeTable;
  readonly anchors: AnchorTable;
}

/** What an agent is told, with the id after which it can resume. */
export type WatchEvent = { readonly eventId: string } & (
  | { readonly kind: "renew"; readonly notice: Notice }
  | { readonly kind: "bundle"; readonly anchorsSha256: readonly Uint8Array[] }
);

/** How far an agent has come. */
interface Cursor {
  noticeId: number;
  anchorsId: number;
}

const AT_ONCE = 100;
/** Streams of one service at once: its agents on several machines. */
const STREAMS = 100;

/** The streams of agents. What they are told is read from the database each time, so that nothing is lost between two streams; an agent that names no
 *  event is told all that is still to be done, and the anchors. */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #wakeups = new Set<Wakeup>();
  readonly #streams = new Map<string, number>();

  constructor(options: WatchesOptions) {
    this.#options = options;
    options.store.outbox.onAdded(() => this.wake());
  }

  /** After something was committed that an agent may have to know. */
  wake(): void {
    for (const wakeup of this.#wakeups) wakeup.wake();
  }

  /** Until `signal` aborts. Throws REQUEST_MALFORMED for an event id that is none of ours, RATE_LIMITED when the service has too many streams. */
  async *follow(agent: ServiceKey, lastEventId: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const cursor = parseCursor(lastEventId);
    const release = this.#occupy(`${agent.organisation} ${agent.service}`);
    const wakeup = new Wakeup();
    const stop = () => wakeup.wake();
    this.#wakeups.add(wakeup);
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        yield* this.#news(agent, cursor);
        await wakeup.sleep();
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#wakeups.delete(wakeup);
      release();
    }
  }

  *#news(agent: ServiceKey, cursor: Cursor): Generator<WatchEvent> {
    const { notices, anchors } = this.#options;
    const latest = anchors.latest();
    if (latest !== undefined && latest.anchorsId !== cursor.anchorsId) {
      cursor.anchorsId = latest.anchorsId;
      yield { eventId: formatCursor(cursor), kind: "bundle", anchorsSha256: latest.sha256 };
    }
    for (const notice of notices.openAfter(agent, cursor.noticeId, AT_ONCE)) {
      cursor.noticeId = notice.noticeId;
      yield { eventId: formatCursor(cursor), kind: "renew", notice };
    }
  }

  #occupy(agent: string): () => void {
    const open = this.#streams.get(agent) ?? 0;
    if (open >= STREAMS) throw new PkiError("RATE_LIMITED", "too many streams of this service");
    this.#streams.set(agent, open + 1);
    return () => {
      const left = (this.#streams.get(agent) ?? 1) - 1;
      if (left > 0) this.#streams.set(agent, left);
      else this.#streams.delete(agent);
    };
  }
}

const formatCursor = ({ noticeId, anchorsId }: Cursor): string => `${noticeId}.${anchorsId}`;

function parseCursor(eventId: string): Cursor {
  if (eventId === "") return { noticeId: 0, anchorsId: 0 };
  const [, noticeId, anchorsId] = /^(\d{1,15})\.(\d{1,15})$/.exec(eventId) ?? [];
  if (noticeId === undefined) throw new PkiError("REQUEST_MALFORMED", "not an event of this stream");
  return { noticeId: Number(noticeId), anchorsId: Number(anchorsId) };
}
