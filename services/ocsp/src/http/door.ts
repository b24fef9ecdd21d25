import type { IncomingMessage, ServerResponse } from "node:http";
import { endHttp, type HttpServer, openHttpServer } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { OcspConfig } from "../config.ts";
import type { Downloads } from "./downloads.ts";
import { MAX_REQUEST_OCTETS, type OcspDoor, REQUEST_TYPE } from "./ocsp.ts";

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
export const openHttpDoor = (options: HttpDoorOptions): Promise<HttpServer> =>
  openHttpServer({
    ...{ host: options.host, port: options.port, limits: options.limits, clock: options.clock, log: options.log },
    maxHeaderOctets: MAX_HEADER_OCTETS,
    handle: (request, response, path) => route(options, request, response, path),
    plain: { door: options.ocsp, root: "/ocsp", requestType: REQUEST_TYPE, maxBodyOctets: MAX_REQUEST_OCTETS },
  });

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
