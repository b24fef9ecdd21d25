import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { PkiError } from "@vcc-pki/errors";
import type { Telemetry } from "@vcc-pki/telemetry";
import { explicitBucketBoundaries } from "./server-telemetry.ts";

/** OpenTelemetry semantic conventions for RPC. */
const metrics = {
  duration: [
    "rpc.client.call.duration",
    { unit: "s", description: "Time from a unary call to its answer", advice: { explicitBucketBoundaries } },
  ],
} as const;

/** Wraps a unary call in a client span and measures it. */
export function clientTelemetry(
  telemetry: Telemetry | undefined,
): <T>(path: string, work: () => Promise<T>) => Promise<T> {
  if (telemetry === undefined) return (_path, work) => work();
  const duration = telemetry.meter.createHistogram(...metrics.duration);
  return (path, work) => {
    const startedMs = performance.now();
    const attributes = { "rpc.system.name": "grpc", "rpc.method": path };
    return telemetry.tracer.startActiveSpan(path, { kind: SpanKind.CLIENT, attributes }, async (span) => {
      let code = "OK";
      try {
        return await work();
      } catch (error) {
        code = error instanceof PkiError ? error.code : "CANCELLED";
        span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code);
        throw error;
      } finally {
        duration.record((performance.now() - startedMs) / 1_000, {
          "rpc.method": path,
          "rpc.response.status_code": code,
        });
        span.end();
      }
    });
  };
}
