import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { extractContext, injectContext, type Telemetry, type TraceCarrier } from "@vcc-pki/telemetry";

/** Seconds, from a fast unary call to the longest deadline in use. */
export const explicitBucketBoundaries = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** OpenTelemetry semantic conventions for RPC. Labels are bounded: our own method paths and our own codes. */
const metrics = {
  duration: [
    "rpc.server.call.duration",
    { unit: "s", description: "Time from a call's arrival to its answer", advice: { explicitBucketBoundaries } },
  ],
} as const;

/** Carries a served call's span: `run` executes inside it, `end` closes it. */
export interface ServedCall {
  run<T>(work: (traceparent: string | undefined) => T): T;
  traceId(): string | undefined;
  /** `code` is "OK", "CANCELLED" or an error code. */
  end(code: string, durationMs: number): void;
}

export interface ServerTelemetry {
  /** `method` is the path of a known method; anything else counts as "unknown". */
  start(method: string | undefined, carrier: TraceCarrier): ServedCall;
}

export function serverTelemetry(telemetry: Telemetry | undefined): ServerTelemetry {
  if (telemetry === undefined) return { start: (_method, carrier) => untraced(carrier) };
  const duration = telemetry.meter.createHistogram(...metrics.duration);
  return {
    start(method = "unknown", carrier) {
      const attributes = { "rpc.system.name": "grpc", "rpc.method": method };
      const parent = extractContext(carrier);
      const span = telemetry.tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
      const active = trace.setSpan(parent, span);
      return {
        run: (work) => context.with(active, () => work(injectContext().traceparent)),
        traceId: () => span.spanContext().traceId,
        end(code, durationMs) {
          duration.record(durationMs / 1_000, { "rpc.method": method, "rpc.response.status_code": code });
          if (code !== "OK") span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code);
          span.end();
        },
      };
    },
  };
}

const untraced = (carrier: TraceCarrier): ServedCall => ({
  run: (work) => work(carrier.traceparent),
  traceId: () => carrier.traceparent?.split("-")[1],
  end: () => {},
});
