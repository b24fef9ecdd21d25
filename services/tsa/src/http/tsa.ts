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
const REQUEST_TYPE = "application/timestamp-query";
const RESPONSE_TYPE = "application/timestamp-reply";

const MAX_REQUEST_OCTETS = 64 * 1024;
const MAX_DISCARDED_OCTETS = 4 * 1024 * 1024;

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
        else this.#answer(body ?? Buffer.alloc(0), unit, response);
      },
      onTooLong: () => send(response, desk.refuse("badDataFormat", "request is too long")),
    });
  }

  #answer(body: Buffer, unit: string, response: ServerResponse): void {
    const { desk, organisation, log } = this.#options;
    desk.answer(body, unit, organisation).then(
      (answer) => send(response, answer),
      (error) => {
        log.error("no answer", { error });
        send(response, desk.refuse("systemFailure", "the request could not be handled"));
      },
    );
  }
}

function send(response: ServerResponse, body: Uint8Array): void {
  // One character per octet: node:http sends headers and such a body with one write, but a Buffer with two.
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  response.writeHead(200, [
    ...["Content-Type", RESPONSE_TYPE, "Content-Length", String(body.length), "Cache-Control", "no-store"],
  ]);
  response.end(text, "latin1");
}

/** Somebody listens. Whether time stamps are issued is what /readyz says. */
function isAlive(response: ServerResponse): void {
  const body = "POST application/timestamp-query (RFC 3161)\n";
  response.writeHead(200, [
    ...["Content-Type", "text/plain", "Content-Length", String(body.length), "Cache-Control", "no-store"],
  ]);
  response.end(response.req.method === "HEAD" ? undefined : body);
}
