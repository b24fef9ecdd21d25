import { AsyncResource } from "node:async_hooks";
import { finished } from "node:stream/promises";
import { currentTraceId, type Logger, type Telemetry, withContext, withSpan } from "@vcc-pki/telemetry";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { App } from "./http.ts";

/** Seconds, from a quick read to the longest wait for a signature. */
const explicitBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** OpenTelemetry semantic conventions for HTTP. Labels are bounded: route patterns, known methods, status codes. */
const metrics = {
  duration: [
    "http.server.request.duration",
    {
      ...{ unit: "s", description: "Time from a request's arrival to the end of its answer" },
      advice: { explicitBucketBoundaries },
    },
  ],
} as const;

/** One span, one log line and one measurement per request. */
export function addTracing(app: App, { tracer, meter }: Telemetry, log: Logger): void {
  const duration = meter.createHistogram(...metrics.duration);
  const scopes = new WeakMap<FastifyRequest, AsyncResource>();

  app.addHook("onRequest", (request, reply, next) => {
    const { traceparent, tracestate } = request.headers;
    const carrier = { traceparent: single(traceparent), tracestate: single(tracestate) };
    withContext(carrier, () =>
      withSpan(tracer, `HTTP ${request.method}`, {}, async (span) => {
        request.traceId = currentTraceId() ?? "";
        scopes.set(request, new AsyncResource("request"));
        next();
        await finished(reply.raw).catch(() => undefined);
        span.setAttributes(attributesOf(request, reply));
      }),
    );
  });
  // A body's last byte arrives in the socket's context, not in the request's.
  app.addHook("preValidation", (request, _reply, next) => {
    scopes.get(request)?.runInAsyncScope(() => next());
  });
  app.addHook("onResponse", async (request, reply) => {
    duration.record(reply.elapsedTime / 1000, attributesOf(request, reply));
    const { method, url: route, status } = namesOf(request, reply);
    const durationMs = Math.round(reply.elapsedTime);
    log.info("request answered", { method, route, status, durationMs, requester: request.requester?.uri });
  });
}

/** Labels are bounded: the route's pattern, never the path. */
function attributesOf(request: FastifyRequest, reply: FastifyReply) {
  const { method, url, status } = namesOf(request, reply);
  return { "http.request.method": method, "http.route": url, "http.response.status_code": status };
}

const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

const namesOf = (request: FastifyRequest, reply: FastifyReply) => ({
  method: KNOWN_METHODS.has(request.method) ? request.method : "_OTHER",
  url: request.routeOptions.url ?? "unknown",
  status: reply.statusCode,
});

const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;
