import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@vcc-pki/telemetry/log";
import { z } from "zod";
import type { StreamedEvent } from "./gateway/event-stream.ts";
import type { Gateway } from "./gateway/gateway.ts";
import type { Wish } from "./turn.ts";

const RECONNECT_MS = { first: 1_000, most: 60_000 } as const;

/** `data` of a "renew" event: which service, when it is another one that this agent looks after, and why. */
const Renew = z.object({ service: z.string().optional(), reason: z.string().optional() });

export interface WatchOptions {
  /** A connection as the identity, as it is now; undefined while it has no certificate. */
  connect(): Gateway | undefined;
  /** The last event that was dealt with. */
  lastEventId(): string | undefined;
  /** What the gateway wants, of the identity itself or of `service`. */
  onWish(wish: Wish, service: string | undefined): void;
  readonly log: Logger;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Listens to what the gateway has to tell, as long as `signal` lets it: a stream that ends is opened again where it ended, soon at first and ever
 *  more seldom while the gateway is away. Without it the agent goes by its own times. Never rejects. */
export async function watchGateway({ signal, log, random, ...options }: WatchOptions): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const gateway = options.connect();
    try {
      if (gateway) {
        for await (const event of gateway.watch(options.lastEventId(), signal)) {
          failures = 0;
          tell(event, options);
        }
      }
    } catch (error) {
      if (!signal.aborted) log.debug("the gateway's stream ended", { failures, error });
    } finally {
      gateway?.close();
    }
    failures += 1;
    const pauseMs = Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** (failures - 1)) * (0.75 + random() / 2);
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
  }
}

/** An event that we do not know, or cannot read, is not for us. */
function tell({ id, event, data }: StreamedEvent, { onWish }: Pick<WatchOptions, "onWish">): void {
  if (event === "bundle") onWish({ bundle: true, now: true, lastEventId: id }, undefined);
  if (event !== "renew") return;
  const renew = Renew.safeParse(parseJson(data));
  if (renew.success) onWish({ renew: true, now: true, lastEventId: id }, renew.data.service);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
