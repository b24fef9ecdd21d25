import type { Clock } from "@vcc-pki/time";
import { askNtpServer, type NtpServer } from "./ntp-exchange.ts";
import { measureExchange } from "./ntp-measurement.ts";
import { type ClockSource, failure, type SourceReport } from "./source.ts";
import type { Timeline } from "./timeline.ts";

export interface NtpSourceOptions {
  readonly clock: Clock;
  readonly random: (octets: number) => Uint8Array;
  /** For one exchange. */
  readonly timeoutMs: number;
  /** How often it is asked while all is well: the rate that it may find too high. */
  readonly intervalMs: number;
  /** How far this machine's counter may run wrong, in millionths. */
  readonly driftPpm: number;
}

/** Who refuses is not asked for so long. RFC 5905 section 7.4 says never again; a day, so that a mistake over there needs no restart here. */
const REFUSED_MS = 86_400_000;
/** Kiss codes that mean it. */
const REFUSALS: ReadonlySet<string> = new Set(["DENY", "RSTR"]);

/** An NTP server. Without NTS (RFC 8915), so who sits on the path can forge or delay what it says: trust is in a majority of servers on
 *  different paths, never in one. */
export class NtpSource implements ClockSource {
  readonly kind = "ntp";
  readonly name: string;
  readonly #server: NtpServer;
  readonly #options: NtpSourceOptions;
  #spacingMs: number;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor(server: NtpServer, options: NtpSourceOptions) {
    this.name = `${server.host}:${server.port}`;
    this.#server = server;
    this.#options = options;
    this.#spacingMs = options.intervalMs;
  }

  async measure(timeline: Timeline): Promise<SourceReport> {
    const { clock, driftPpm } = this.#options;
    const now = clock.monotonicMs();
    if (now < this.#quietUntilMs) return failure("backing-off", "it asked for that");
    if (this.#spacingMs > this.#options.intervalMs) this.#quietUntilMs = now + this.#spacingMs;
    try {
      const answer = await askNtpServer(this.#server, this.#options);
      const report = measureExchange(answer, timeline, driftPpm);
      if (report.status === "failed" && report.reason === "kiss-of-death") this.#obey(report.detail);
      return report;
    } catch (error) {
      return failure("unreachable", error instanceof Error ? error.message : String(error));
    }
  }

  /** RFC 5905 section 7.4: DENY and RSTR end it, RATE halves the rate for good. Other kiss codes are for people. */
  #obey(kissCode: string): void {
    const now = this.#options.clock.monotonicMs();
    if (REFUSALS.has(kissCode)) this.#quietUntilMs = now + REFUSED_MS;
    if (kissCode !== "RATE") return;
    this.#spacingMs = Math.min(this.#spacingMs * 2, REFUSED_MS);
    this.#quietUntilMs = now + this.#spacingMs;
  }
}
