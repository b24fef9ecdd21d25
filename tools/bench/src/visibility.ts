import { setTimeout as sleep } from "node:timers/promises";
import type { Suite } from "@vcc-pki/suite-tool";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, parseOcspResponse } from "@vcc-pki/x509";
import { HttpConnection, postRequest } from "./http-connection.ts";
import { ocspPath, questionAbout, REQUEST_TYPE, requireStatus } from "./ocsp-questions.ts";

const CONNECTIONS = 4;
/** Between two questions about the same certificate, doubled each time: who asks shares the machine, and what is seen late counts as late. */
const PAUSE_MS = { first: 2, most: 64 } as const;

interface Watched {
  readonly serial: Uint8Array;
  readonly request: Buffer;
  readonly before: Buffer;
  readonly seen: PromiseWithResolvers<number>;
  /** Monotonic time of the next question. */
  askAt: number;
  pauseMs: number;
}

/** Asks the ocsp service about certificates again and again until it calls them revoked. */
export class Visibility {
  readonly #issuer: Certificate;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #connections: readonly HttpConnection[];
  readonly #queue: Watched[] = [];
  #isClosed = false;

  static async open(suite: Suite, authorityId: string, issuer: Certificate, clock: Clock): Promise<Visibility> {
    const opened = Array.from({ length: CONNECTIONS }, () => HttpConnection.open(suite.ocspHttpPort));
    return new Visibility(await Promise.all(opened), ocspPath(authorityId), issuer, clock);
  }

  constructor(connections: readonly HttpConnection[], path: string, issuer: Certificate, clock: Clock) {
    this.#connections = connections;
    this.#path = path;
    this.#issuer = issuer;
    this.#clock = clock;
    for (const connection of connections) void this.#look(connection);
  }

  /** Resolves with the monotonic time at which the first "revoked" had come. `before` is what was answered while it was good. */
  seen(serial: Uint8Array, before: Buffer): Promise<number> {
    const request = postRequest(this.#path, REQUEST_TYPE, questionAbout(this.#issuer, serial));
    const seen = Promise.withResolvers<number>();
    const askAt = this.#clock.monotonicMs();
    this.#queue.push({ serial, request, before, seen, askAt, pauseMs: PAUSE_MS.first });
    return seen.promise;
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close();
  }

  async #look(connection: HttpConnection): Promise<void> {
    while (!this.#isClosed) {
      const watched = this.#next();
      if (watched === undefined) {
        await sleep(PAUSE_MS.first);
        continue;
      }
      try {
        const answer = await connection.send(watched.request);
        const now = this.#clock.monotonicMs();
        if (this.#isRevoked(answer, watched)) watched.seen.resolve(now);
        else this.#askLater(watched, now);
      } catch (error) {
        watched.seen.reject(error);
      }
    }
  }

  /** The first whose time has come. */
  #next(): Watched | undefined {
    const now = this.#clock.monotonicMs();
    const index = this.#queue.findIndex(({ askAt }) => askAt <= now);
    return index === -1 ? undefined : this.#queue.splice(index, 1)[0];
  }

  #askLater(watched: Watched, now: number): void {
    watched.askAt = now + watched.pauseMs;
    watched.pauseMs = Math.min(2 * watched.pauseMs, PAUSE_MS.most);
    this.#queue.push(watched);
  }

  /** The same octets as before are the same answer; "try later" is none. */
  #isRevoked(answer: Buffer, { before, serial }: Watched): boolean {
    if (answer.equals(before)) return false;
    const parsed = parseOcspResponse(answer);
    if (parsed.responseStatus !== "successful" || parsed.data.responses[0]?.status !== "revoked") return false;
    requireStatus(answer, this.#issuer, serial, "revoked");
    return true;
  }
}
