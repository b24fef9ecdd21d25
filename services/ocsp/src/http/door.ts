import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "@vcc-pki/telemetry";
import type { OcspConfig } from "../config.ts";
import type { Downloads } from "./downloads.ts";
import type { OcspDoor } from "./ocsp.ts";

export interface HttpDoorOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly limits: OcspConfig["limits"];
  readonly ocsp: OcspDoor;
  readonly downloads: Downloads;
  readonly log: Logger;
}

export interface HttpDoor {
  readonly port: number;
  close(): Promise<void>;
}

/** A question of 10 KiB in base64, every character of it escaped or not, and a client's headers. */
const MAX_HEADER_OCTETS = 20 * 1024;

/** How often connections are looked at that are too slow. */
const CHECK_EVERY_MS = 2_000;

/** The public door: plain HTTP. Rejects when the port cannot be bound. */
export async function openHttpDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  const { host, port, limits, log } = options;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_OCTETS,
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.keepAlive,
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    (request, response) => route(options, request, response),
  );
  server.maxConnections = limits.maxConnections;
  server.on("clientError", refuse);
  server.on("error", (error) => log.error("http server failed", { error }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: 2_048 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function route({ ocsp, downloads }: HttpDoorOptions, request: IncomingMessage, response: ServerResponse): void {
  const { method, url = "" } = request;
  const path = pathOf(url);
  const isOcsp = path.startsWith("/ocsp") && (path.length === 5 || path.charCodeAt(5) === SLASH);
  if (method === "POST" && isOcsp) {
    if (!ocsp.post(request, response, path)) end(response, 404);
  } else if (method !== "GET" && method !== "HEAD") end(response, 405);
  else if (isOcsp) ocsp.get(request, response, path);
  else if (!downloads.get(request, response, path)) end(response, 404);
}

const SLASH = 0x2f;

/** Without query, and with one slash at its start: some clients make two where a base address ends in one. Clients that believe us a proxy
 *  send the whole address (RFC 9112 section 3.2.2). */
function pathOf(target: string): string {
  const url = target.charCodeAt(0) === SLASH ? target : target.replace(/^https?:\/\/[^/]*/i, "");
  const query = url.indexOf("?");
  const path = query === -1 ? url : url.slice(0, query);
  return path.charCodeAt(1) === SLASH ? path.replace(/^\/+/, "/") : path;
}

function end(response: ServerResponse, status: 404 | 405): void {
  const allow = status === 405 ? ["Allow", "GET, HEAD, POST"] : [];
  response.writeHead(status, [...allow, "Content-Length", "0", "Cache-Control", "no-store"]);
  response.end();
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** What is not HTTP, too long or too slow. */
function refuse(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  const status = STATUS_LINES[error.code ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
}

/** What is being answered is answered; then idle connections are closed. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  });
}
