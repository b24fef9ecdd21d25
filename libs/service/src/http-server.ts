import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { addFastLane, type PlainQuestions } from "./fast-lane.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Longest request line with headers. */
  readonly maxHeaderOctets: number;
  /** In milliseconds, but for the number of connections. */
  readonly limits: {
    /** Those above are closed. */
    readonly maxConnections: number;
    /** How long a connection may be silent between requests. */
    readonly keepAlive: number;
    /** How long headers may take. */
    readonly headers: number;
    /** How long a whole request may take. */
    readonly request: number;
  };
  /** `path` is without query, and with one slash at its start. */
  readonly handle: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  /** What is answered as `handle` would, but without node:http; nothing when absent. */
  readonly plain?: PlainQuestions;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface HttpServer {
  /** As bound. */
  readonly port: number;
  /** What is being answered is answered; then idle connections are closed. */
  close(): Promise<void>;
}

/** How often connections are looked at that are too slow. */
const CHECK_EVERY_MS = 2_000;
/** Connections that wait to be accepted. */
const BACKLOG = 2_048;

/** A door for relying parties: plain HTTP, with bounds on what each may cost. Rejects when the port cannot be bound. */
export async function openHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, maxHeaderOctets, limits, handle, plain, clock, log } = options;
  const server = createServer(
    {
      maxHeaderSize: maxHeaderOctets,
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.keepAlive,
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    (request, response) => handle(request, response, pathOf(request.url ?? "")),
  );
  const lane =
    plain && addFastLane(server, { ...plain, headersMs: limits.headers, keepAliveMs: limits.keepAlive, clock });
  server.maxConnections = limits.maxConnections;
  server.on("clientError", refuse);
  server.on("error", (error) => log.error("http server failed", { error }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      lane?.close();
      return close(server);
    },
  };
}

const SLASH = 0x2f;

/** Some clients make two slashes where a base address ends in one. Clients that believe us a proxy send the whole address (RFC 9112
 *  section 3.2.2). */
function pathOf(target: string): string {
  const url = target.charCodeAt(0) === SLASH ? target : target.replace(/^https?:\/\/[^/]*/i, "");
  const query = url.indexOf("?");
  const path = query === -1 ? url : url.slice(0, query);
  return path.charCodeAt(1) === SLASH ? path.replace(/^\/+/, "/") : path;
}

/** Ends an answer without body. */
export function endHttp(response: ServerResponse, status: 404 | 405): void {
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

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  });
}
