import type { IncomingMessage, ServerResponse } from "node:http";
import { endHttp, isMediaType, readBody } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Desk } from "../respond.ts";
import type { Units } from "../units.ts";

export interface TsaDoorOptions {
  readonly desk: Desk;
  readonly units: Units;
  /** Whose tokens these are: nobody says who asks here. */
  readonly organisation: string;
  readonly log: Logger;
}

/** RFC 3161 section 3.4. */
export const REQUEST_TYPE = "application/timestamp-query";
const RESPONSE_TYPE = "application/timestamp-reply";

export const MAX_REQUEST_OCTETS = 64 * 1024;
const MAX_DISCARDED_OCTETS = 4 * 1024 * 1024;

const RESPONSE_HEADERS = `Content-Type: ${RESPONSE_TYPE}\r\nCache-Control: no-store\r\n`;

/** Time stamps over HTTP (RFC 3161 section 3.4): every request has an answer of status 200, what is wrong stands in it. */
export class TsaDoor {
  readonly #options: TsaDoorOptions;

  constructor(options: TsaDoorOptions) {
    this.#options = options;
  }

  handle(request: IncomingMessage, response: ServerResponse, path: string): void {
    const unit = this.#unitOf(path);
    const { method } = request;
    if (unit === undefined) endHttp(response, 404);
    else if (method === "POST") this.#post(request, response, unit);
    else if (method === "GET" || method === "HEAD") isAlive(response);
    else endHttp(response, 405);
  }

  /** What `handle` sends to a POST, for the fast lane. */
  plainPost(path: string, body: string): Promise<string> | undefined {
    const unit = this.#unitOf(path);
    return unit === undefined ? undefined : this.#answer(Buffer.from(body, "latin1"), unit).then(toText);
  }

  /** "" for "/tsa", the name for "/tsa/<name>"; undefined for anything else. */
  #unitOf(path: string): string | undefined {
    const [, unit = ""] = /^\/tsa(?:\/([a-z0-9-]*))?$/.exec(path) ?? [undefined, "?"];
    return unit === "" || this.#options.units.findConfig(unit) !== undefined ? unit : undefined;
  }

  #post(request: IncomingMessage, response: ServerResponse, unit: string): void {
    const { desk } = this.#options;
    const type = request.headers["content-type"];
    readBody(request, response, {
      ...{ maxOctets: MAX_REQUEST_OCTETS, maxDiscardedOctets: MAX_DISCARDED_OCTETS },
      onBody: (body) => {
        if (type === undefined || !isMediaType(type, REQUEST_TYPE))
          send(response, desk.refuse("badRequest", `the media type of a request is ${REQUEST_TYPE}`));
        else void this.#answer(body ?? Buffer.alloc(0), unit).then((answer) => send(response, answer));
      },
      onTooLong: () => send(response, desk.refuse("badDataFormat", "request is too long")),
    });
  }

  /** Never rejects. */
  async #answer(body: Buffer, unit: string): Promise<Uint8Array> {
    const { desk, organisation, log } = this.#options;
    try {
      return await desk.answer(body, unit, organisation);
    } catch (error) {
      log.error("no answer", { error });
      return desk.refuse("systemFailure", "the request could not be handled");
    }
  }
}

/** One character per octet. */
const toCharacters = (body: Uint8Array): string =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");

const toText = (body: Uint8Array): string =>
  `${RESPONSE_HEADERS}Content-Length: ${body.length}\r\n\r\n${toCharacters(body)}`;

function send(response: ServerResponse, body: Uint8Array): void {
  response.writeHead(200, [
    ...["Content-Type", RESPONSE_TYPE, "Content-Length", String(body.length), "Cache-Control", "no-store"],
  ]);
  response.end(toCharacters(body), "latin1"); // node:http sends headers and a text with one write, but a Buffer with two
}

/** Somebody listens. Whether time stamps are issued is what /readyz says. */
function isAlive(response: ServerResponse): void {
  const body = "POST application/timestamp-query (RFC 3161)\n";
  response.writeHead(200, [
    ...["Content-Type", "text/plain", "Content-Length", String(body.length), "Cache-Control", "no-store"],
  ]);
  response.end(response.req.method === "HEAD" ? undefined : body);
}
