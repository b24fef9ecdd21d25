import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";

/** The two headers of W3C Trace Context, as they travel in gRPC metadata, NATS headers and outbox rows. */
export interface TraceCarrier {
  traceparent?: string;
  tracestate?: string;
}

const propagator = new W3CTraceContextPropagator();

const setter = {
  set(carrier: TraceCarrier, name: string, value: string) {
    if (name === "traceparent" || name === "tracestate") carrier[name] = value;
  },
};

const getter = {
  keys: (carrier: TraceCarrier) => Object.keys(carrier),
  get: (carrier: TraceCarrier, name: string) => carrier[name as keyof TraceCarrier],
};

/** Writes the active span's context into `carrier` and returns it; leaves it alone when no span is active. */
export function injectContext(carrier: TraceCarrier = {}): TraceCarrier {
  propagator.inject(context.active(), carrier, setter);
  return carrier;
}

/** The context a peer sent. A missing or malformed header gives the active context. */
export function extractContext(carrier: TraceCarrier): Context {
  return propagator.extract(context.active(), carrier, getter);
}

/** Runs `work` as a continuation of the trace in `carrier`. */
export function withContext<T>(carrier: TraceCarrier, work: () => T): T {
  return context.with(extractContext(carrier), work);
}

/** `work` bound to the trace that is active now, to be run later, among the work of others. */
export function inCurrentContext<T>(work: () => T): () => T {
  const current = context.active();
  return () => context.with(current, work);
}

/** Identifier of the active trace, 32 hex digits: what a caller quotes and an operator searches for. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}

/** Runs `work` inside a span which ends with it. A throw marks the span failed, with the error's code, and goes on. */
export function withSpan<T>(
  tracer: Tracer,
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T> | T,
): Promise<T> {
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute("error.type", errorType(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

function errorType(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
