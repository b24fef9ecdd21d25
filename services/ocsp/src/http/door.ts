import type { IncomingMessage, ServerResponse } from "node:http";
import { endHttp, type HttpServer, openHttpServer } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { OcspConfig } from "../config.ts";
import type { Downloads } from "./downloads.ts";
import { addFastLane } from "./fast-lane.ts";
import type { OcspDoor } from "./ocsp.ts";

export interface HttpDoorOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly limits: OcspConfig["limits"];
  readonly ocsp: OcspDoor;
  readonly downloads: Downloads;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A question of 10 KiB in base64, every character of it escaped or not, and a client's headers. */
const MAX_HEADER_OCTETS = 20 * 1024;

/** The public door: plain HTTP. Rejects when the port cannot be bound. */
export async function openHttpDoor(options: HttpDoorOptions): Promise<HttpServer> {
  const { host, port, limits, ocsp, clock, log } = options;
  let lane: { close(): void } | undefined;
  const { close, ...server } = await openHttpServer({
    ...{ host, port, limits, log, maxHeaderOctets: MAX_HEADER_OCTETS },
    handle: (request, response, path) => route(options, request, response, path),
    prepare(server) {
      const now = () => clock.now().getTime();
      lane = addFastLane(server, { door: ocsp, headersMs: limits.headers, keepAliveMs: limits.keepAlive, now });
    },
  });
  return {
    ...server,
    close() {
      lane?.close();
      return close();
    },
  };
}

function route(
  { ocsp, downloads }: HttpDoorOptions,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): void {
  const { method } = request;
  const isOcsp = path.startsWith("/ocsp") && (path.length === 5 || path.charCodeAt(5) === SLASH);
  if (method === "POST" && isOcsp) {
    if (!ocsp.post(request, response, path)) endHttp(response, 404);
  } else if (method !== "GET" && method !== "HEAD") endHttp(response, 405);
  else if (isOcsp) ocsp.get(request, response, path);
  else if (!downloads.get(request, response, path)) endHttp(response, 404);
}

const SLASH = 0x2f;
