import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isMediaType, isNotModified, readBody } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Answer, errorAnswer } from "../answer.ts";
import type { CachedAnswer } from "../answer-cache.ts";
import type { AnswerCounts } from "../metrics.ts";
import type { Desk } from "../respond.ts";
import { decodeQuestion, parseAddress } from "./question.ts";

export interface OcspDoorOptions {
  readonly desk: Desk;
  /** How long caches may keep an answer. */
  readonly cacheForMs: number;
  readonly counts: AnswerCounts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** RFC 6960 appendix A, RFC 9919. */
export const REQUEST_TYPE = "application/ocsp-request";
const RESPONSE_TYPE = "application/ocsp-response";

export const MAX_REQUEST_OCTETS = 10 * 1024;
const MAX_DISCARDED_OCTETS = 256 * 1024;

/** Headers of what nobody may keep, but for its length. */
const UNKEPT = `Content-Type: ${RESPONSE_TYPE}\r\nCache-Control: no-store\r\n`;

/** Response headers in the form that node:http writes without looking at them. */
type HeaderList = readonly string[];

/** Of an answer to GET, which caches may keep. */
interface Freshness {
  readonly headers: HeaderList;
  /** The same as they are sent, with the empty line that ends them. */
  readonly text: string;
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** In seconds; then max-age is less. */
  readonly until: number;
}

/** OCSP over HTTP (RFC 6960 appendix A): every answer has status 200, what is wrong stands in it. */
export class OcspDoor {
  readonly #options: OcspDoorOptions;

  constructor(options: OcspDoorOptions) {
    this.#options = options;
  }

  /** `path` begins with "/ocsp". */
  get(request: IncomingMessage, response: ServerResponse, path: string): void {
    const cached = this.#options.desk.findCached(path);
    if (cached !== undefined) {
      this.#options.counts[cached.answer.kind]++;
      sendFresh(request, response, cached.answer, this.#freshnessOfCached(cached));
      return;
    }
    this.#whenAnswered(this.#answerGet(path), response, (known) => this.#sendToGet(request, response, known));
  }

  /** What `get` sends, for the fast lane. */
  plainGet(path: string): string | Promise<string> {
    const cached = this.#options.desk.findCached(path);
    if (cached !== undefined) {
      this.#options.counts[cached.answer.kind]++;
      return this.#freshnessOfCached(cached).text + cached.answer.body;
    }
    const answer = this.#answerGet(path);
    return answer instanceof Promise ? answer.then((known) => this.#toGetText(known)) : this.#toGetText(answer);
  }

  /** What `post` sends, for the fast lane. */
  plainPost(path: string, body: string): string | Promise<string> | undefined {
    const { authorityId, rest } = parseAddress(path.slice("/ocsp".length));
    if (rest !== "") return undefined;
    const answer = this.#answerPost(body, path, authorityId);
    return answer instanceof Promise ? answer.then((known) => this.#toText(known)) : this.#toText(answer);
  }

  /** False: nothing can be posted to this path. */
  post(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const address = parseAddress(path.slice("/ocsp".length));
    if (address.rest !== "") return false;
    const contentType = request.headers["content-type"];
    const isOcsp = contentType !== undefined && isMediaType(contentType, REQUEST_TYPE);
    readBody(request, response, {
      ...{ maxOctets: MAX_REQUEST_OCTETS, maxDiscardedOctets: MAX_DISCARDED_OCTETS },
      onBody: (body) => {
        if (!isOcsp || body === undefined) this.#send(response, errorAnswer("malformedRequest"));
        else {
          const answer = this.#answerPost(body.toString("latin1"), path, address.authorityId);
          this.#whenAnswered(answer, response, (known) => this.#send(response, known));
        }
      },
      onTooLong: () => this.#send(response, errorAnswer("malformedRequest")),
    });
    return true;
  }

  #answerGet(path: string): Answer | Promise<Answer> {
    const address = parseAddress(path.slice("/ocsp".length));
    const question = decodeQuestion(address.rest);
    return question === undefined || question.length > MAX_REQUEST_OCTETS
      ? errorAnswer("malformedRequest")
      : this.#options.desk.respond(question, address.authorityId, path);
  }

  /** `body` has one character per octet. */
  #answerPost(body: string, path: string, authorityId: string | undefined): Answer | Promise<Answer> {
    const { desk } = this.#options;
    // A newline is in no path, so this stands for no other question.
    const question = `${path}\n${body}`;
    return desk.findCached(question)?.answer ?? desk.respond(Buffer.from(body, "latin1"), authorityId, question);
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
    sendFresh(request, response, answer, this.#freshnessOf(answer, now));
  }

  #toGetText(answer: Answer): string {
    if (answer.window === undefined) return this.#toText(answer);
    this.#options.counts[answer.kind]++;
    return this.#freshnessOf(answer, this.#options.clock.now().getTime() / 1_000).text + answer.body;
  }

  #toText({ body, kind }: Answer): string {
    this.#options.counts[kind]++;
    return `${UNKEPT}Content-Length: ${body.length}\r\n\r\n${body}`;
  }

  /** Not to be kept by anyone: an error, an answer to POST, or one made for this question alone. */
  #send(response: ServerResponse, { body, kind }: Answer): void {
    this.#options.counts[kind]++;
    response.writeHead(200, [
      ...["Content-Type", RESPONSE_TYPE, "Content-Length", String(body.length), "Cache-Control", "no-store"],
    ]);
    response.end(body, "latin1");
  }

  #freshnessOfCached(cached: CachedAnswer): Freshness {
    const now = this.#options.clock.now().getTime() / 1_000;
    let freshness = cached.headers as Freshness | undefined;
    if (freshness === undefined || freshness.until <= now) {
      freshness = this.#freshnessOf(cached.answer, now);
      cached.headers = freshness;
    }
    return freshness;
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
    const text = headers.map((part, i) => part + (i % 2 === 0 ? ": " : "\r\n")).join("");
    return { headers, text: `${text}\r\n`, etag, lastModifiedMs: thisUpdate * 1_000, until };
  }
}

function sendFresh(
  { headers, method }: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  freshness: Freshness,
): void {
  // By its tag alone: a date says nothing of a good answer that a revoked one has replaced within the second.
  if (isNotModified({ "if-none-match": headers["if-none-match"] }, freshness)) {
    response.writeHead(304, freshness.headers.toSpliced(0, 4)); // without those of the body
    response.end();
    return;
  }
  response.writeHead(200, freshness.headers as string[]);
  if (method === "HEAD") response.end();
  else response.end(answer.body, "latin1");
}
