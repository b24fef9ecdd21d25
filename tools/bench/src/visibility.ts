import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, parseOcspResponse } from "@vcc-pki/x509";
import { HttpConnection, postRequest } from "./http-connection.ts";
import { ocspPath, questionAbout, REQUEST_TYPE, requireStatus } from "./ocsp-questions.ts";
import type { Suite } from "./suite.ts";

const CONNECTIONS = 4;
/** Between two looks when little is waited for, so that the looking is not what is measured. */
const PAUSE_MS = 2;

interface Watched {
  readonly serial: Uint8Array;
  readonly request: Buffer;
  readonly before: Buffer;
  readonly seen: PromiseWithResolvers<number>;
}

/** Asks the ocsp service about certificates again and again until it calls them revoked. All that are waited for are asked about in
 *  turn, so what is seen late because there are many counts as late. */
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
    this.#queue.push({ serial, request, before, seen });
    return seen.promise;
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close();
  }

  async #look(connection: HttpConnection): Promise<void> {
    while (!this.#isClosed) {
      const watched = this.#queue.shift();
      if (watched === undefined) {
        await sleep(PAUSE_MS);
        continue;
      }
      try {
        const answer = await connection.send(watched.request);
        if (this.#isRevoked(answer, watched)) watched.seen.resolve(this.#clock.monotonicMs());
        else this.#queue.push(watched);
      } catch (error) {
        watched.seen.reject(error);
      }
      if (this.#queue.length < CONNECTIONS) await sleep(PAUSE_MS);
    }
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
