import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Answer, errorAnswer } from "../answer.ts";
import type { AnswerCounts } from "../metrics.ts";
import type { Desk } from "../respond.ts";
import { isNotModified } from "./conditional.ts";
import { isMediaType } from "./media-type.ts";
import { decodeQuestion, parseAddress } from "./question.ts";
import { type HeaderList, Sending } from "./sending.ts";

export interface OcspDoorOptions {
  readonly desk: Desk;
  /** How long caches may keep an answer. */
  readonly cacheForMs: number;
  readonly counts: AnswerCounts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** RFC 6960 appendix A, RFC 9919. */
const REQUEST_TYPE = "application/ocsp-request";
const RESPONSE_TYPE = "application/ocsp-response";

const MAX_REQUEST_OCTETS = 10 * 1024;
/** What is read and thrown away of a body that is too long, so that its sender gets to see the answer. */
const MAX_DISCARDED_OCTETS = 256 * 1024;

/** How many of the headers, the first, are of the body: a 304 goes without them. */
const BODY_HEADERS = 4;

/** Of an answer to GET, which caches may keep. */
interface Freshness {
  readonly headers: HeaderList;
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** In seconds; then max-age is less. */
  readonly until: number;
}

/** OCSP over HTTP (RFC 6960 appendix A): every answer has status 200, what is wrong stands in it. */
export class OcspDoor {
  readonly #options: OcspDoorOptions;
  readonly #sending = new Sending();

  constructor(options: OcspDoorOptions) {
    this.#options = options;
  }

  /** `path` begins with "/ocsp". */
  get(request: IncomingMessage, response: ServerResponse, path: string): void {
    const { desk, counts } = this.#options;
    const cached = desk.findCached(path);
    if (cached !== undefined) {
      counts[cached.answer.kind]++;
      const now = this.#options.clock.now().getTime() / 1_000;
      let freshness = cached.headers as Freshness | undefined;
      if (freshness === undefined || freshness.until <= now) {
        freshness = this.#freshnessOf(cached.answer, now);
        cached.headers = freshness;
      }
      this.#sendFresh(request, response, cached.answer, freshness);
      return;
    }
    const address = parseAddress(path.slice("/ocsp".length));
    const question = decodeQuestion(address.rest);
    const answer =
      question === undefined || question.length > MAX_REQUEST_OCTETS
        ? errorAnswer("malformedRequest")
        : desk.respond(question, address.authorityId, path);
    this.#whenAnswered(answer, response, (known) => this.#sendToGet(request, response, known));
  }

  /** False: nothing can be posted to this path. */
  post(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const address = parseAddress(path.slice("/ocsp".length));
    if (address.rest !== "") return false;
    const contentType = request.headers["content-type"];
    const isOcsp = contentType !== undefined && isMediaType(contentType, REQUEST_TYPE);
    let body: Buffer | undefined;
    let octets = 0;
    request.on("data", (chunk: Buffer) => {
      octets += chunk.length;
      if (octets <= MAX_REQUEST_OCTETS) body = body === undefined ? chunk : Buffer.concat([body, chunk]);
      else if (octets > MAX_DISCARDED_OCTETS) request.destroy();
      else if (!response.headersSent) this.#sendTooLong(response);
    });
    request.on("end", () => {
      if (response.headersSent) return;
      if (!isOcsp || body === undefined) this.#send(response, errorAnswer("malformedRequest"));
      else this.#answerPost(response, body, path, address.authorityId);
    });
    return true;
  }

  #answerPost(response: ServerResponse, body: Buffer, path: string, authorityId: string | undefined): void {
    const { desk } = this.#options;
    // A newline is in no path, so this stands for no other question.
    const question = `${path}\n${body.toString("latin1")}`;
    const cached = desk.findCached(question);
    const answer = cached?.answer ?? desk.respond(body, authorityId, question);
    this.#whenAnswered(answer, response, (known) => this.#send(response, known));
  }

  #whenAnswered(answer: Answer | Promise<Answer>, response: ServerResponse, send: (answer: Answer) => void): void {
    if (!(answer instanceof Promise)) {
      send(answer);
      return;
    }
    answer.then(send).catch((error) => {
      this.#options.log.error("no answer", { error });
      if (!response.headersSent) this.#send(response, errorAnswer("internalError"));
    });
  }

  #sendToGet(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    if (answer.window === undefined) {
      this.#send(response, answer);
      return;
    }
    this.#options.counts[answer.kind]++;
    const now = this.#options.clock.now().getTime() / 1_000;
    this.#sendFresh(request, response, answer, this.#freshnessOf(answer, now));
  }

  /** Not to be kept by anyone: an error, an answer to POST, or one made for this question alone. */
  #send(response: ServerResponse, { body, kind }: Answer): void {
    this.#options.counts[kind]++;
    const headers = ["Content-Type", RESPONSE_TYPE, "Content-Length", String(body.length), "Cache-Control", "no-store"];
    this.#sending.send(response, 200, headers, body);
  }

  #sendFresh(
    { headers, method }: IncomingMessage,
    response: ServerResponse,
    answer: Answer,
    freshness: Freshness,
  ): void {
    if (isNotModified(headers, freshness))
      this.#sending.send(response, 304, freshness.headers.slice(BODY_HEADERS), undefined);
    else this.#sending.send(response, 200, freshness.headers, method === "HEAD" ? undefined : answer.body);
  }

  #sendTooLong(response: ServerResponse): void {
    response.setHeader("Connection", "close");
    response.setHeader("Content-Type", RESPONSE_TYPE);
    response.setHeader("Cache-Control", "no-store");
    this.#options.counts.malformedRequest++;
    response.end(errorAnswer("malformedRequest").body, "latin1");
  }

  /** Headers of RFC 9919 section 7.2; `now` in seconds. max-age is ours to choose below nextUpdate: for so long a revocation may stay
   *  unseen behind a cache. */
  #freshnessOf({ body, window }: Answer, now: number): Freshness {
    const { thisUpdate, nextUpdate } = window ?? { thisUpdate: now, nextUpdate: now };
    const most = this.#options.cacheForMs / 1_000;
    const left = Math.max(0, Math.floor(nextUpdate - now) - 1);
    const etag = `"${hash("sha256", Buffer.from(body, "latin1"))}"`;
    const headers = [
      ...["Content-Type", RESPONSE_TYPE, "Content-Length", String(body.length), "ETag", etag],
      ...["Last-Modified", new Date(thisUpdate * 1_000).toUTCString()],
      ...["Expires", new Date(nextUpdate * 1_000).toUTCString()],
      ...["Cache-Control", `max-age=${Math.min(most, left)}, public, no-transform, must-revalidate`],
    ];
    const until = left > most ? nextUpdate - most - 1 : Math.floor(now) + 1;
    return { headers, etag, lastModifiedMs: thisUpdate * 1_000, until };
  }
}
