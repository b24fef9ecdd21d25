import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@vcc-pki/telemetry";
import type { Bus } from "./bus.ts";
import { type FactEvent, parseFact } from "./cloud-event.ts";

const AGAIN_MS = 1_000;

/** Hands over the facts of these subjects as they come, from now on, until it is stopped. It remembers nothing: who listens has a place
 *  of its own to compare with, and asks for what it missed. */
export function followEvents(
  bus: Bus,
  subjects: readonly string[],
  handle: (event: FactEvent) => void,
  log: Logger,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const follow = async (subject: string): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const event of bus.tail({ subject, signal })) tell(event, handle, log);
      } catch (error) {
        log.warn("events not followed", { subject, error });
      }
      if (!signal.aborted) await sleep(AGAIN_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  const following = subjects.map(follow);
  return {
    async stop() {
      stopping.abort();
      await Promise.all(following);
    },
  };
}

function tell(event: Parameters<typeof parseFact>[0], handle: (event: FactEvent) => void, log: Logger): void {
  try {
    const fact = parseFact(event);
    if (fact !== undefined) handle(fact);
  } catch (error) {
    log.error("event is malformed", { eventId: event.id, type: event.type, error });
  }
}
