import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One entry per thing the service needs: `true`, or the reason why it is not ready (an error code or a constant phrase). */
export type ReadinessReport = Readonly<Record<string, true | string>>;

export interface HealthServerOptions {
  /** Loopback unless given: metrics tell an attacker a lot. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly handleMetrics: (request: IncomingMessage, response: ServerResponse) => void;
  readonly isReady: () => Promise<ReadinessReport>;
  /** How long `isReady` may take before the answer is 503. */
  readonly readyTimeoutMs?: number;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** `/metrics` for Prometheus, `/healthz` (the process answers), `/readyz` (it can do its work; 503 and the reasons when not).
 *  GET and HEAD; anything else is 404. Rejects when the port cannot be bound. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host = "127.0.0.1", port, handleMetrics, isReady, readyTimeoutMs = 2_000 } = options;
  const routes: Readonly<Record<string, Handler>> = {
    "/metrics": handleMetrics,
    "/healthz": (_request, response) => sendJson(response, 200, { alive: true }),
    "/readyz": async (_request, response) => {
      const checks = await within(readyTimeoutMs, isReady);
      const ready = Object.values(checks).every((check) => check === true);
      sendJson(response, ready ? 200 : 503, { ready, checks });
    },
  };
  const server = createServer((request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined || (request.method !== "GET" && request.method !== "HEAD")) {
      return sendJson(response, 404, { error: "not found" });
    }
    route(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A report that throws or takes too long is itself the reason; what it threw stays inside, for it may say too much. */
async function within(timeoutMs: number, isReady: () => Promise<ReadinessReport>): Promise<ReadinessReport> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ReadinessReport>((resolve) => {
    timer = setTimeout(() => resolve({ readiness: "no answer in time" }), timeoutMs);
  });
  try {
    return await Promise.race([isReady(), late]);
  } catch {
    return { readiness: "check failed" };
  } finally {
    clearTimeout(timer);
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
