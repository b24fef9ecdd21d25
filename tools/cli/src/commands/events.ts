import { PkiError } from "@vcc-pki/errors";
import { StreamedFact } from "@vcc-pki/gateway/api";
import { readEvents } from "../event-stream.ts";
import type { Session } from "../session.ts";
import { printable } from "../table.ts";

export interface TailOptions {
  readonly last: number;
  readonly limit?: number;
}

/** Prints events until there were `limit`, or ^C. Throws PEER_UNAVAILABLE when the stream ends before. */
export async function tailEvents(
  { last, limit = Number.POSITIVE_INFINITY }: TailOptions,
  session: Session,
): Promise<void> {
  const { client, settings, io, json } = session;
  const done = new AbortController();
  const query = { organisation: settings.organisation, last };
  const stream = await client.stream("/api/v1/events", "text/event-stream", query, done.signal);
  session.note(`following events of ${settings.organisation}; ^C ends`);
  let shown = 0;
  try {
    for await (const { data } of readEvents(stream)) {
      const fact = StreamedFact.parse(JSON.parse(data));
      io.out(json ? `${JSON.stringify(fact)}\n` : `${lineOf(fact)}\n`);
      shown++;
      if (shown >= limit) return;
    }
    throw new PkiError("PEER_UNAVAILABLE", "the stream was ended at the other side");
  } finally {
    done.abort();
  }
}

/** "2026-11-01T00:00:00.000Z  certificate.issued  certificateId=… dnsNames=…" */
function lineOf({ time, type, data }: StreamedFact): string {
  const fact = type.replace(/^pki\./, "").replace(/\.v\d+$/, "");
  const entries = typeof data === "object" && data !== null ? Object.entries(data) : [];
  return [time, fact.padEnd(20), entries.map(([name, value]) => `${name}=${textOf(value)}`).join(" ")]
    .map(printable)
    .join("  ");
}

const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(",") : String(value));
