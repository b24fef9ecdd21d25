import type { IncomingMessage, ServerResponse } from "node:http";
import { context, DiagLogLevel, diag, type Meter, type Tracer } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { ExportResultCode } from "@opentelemetry/core";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { AlwaysOffSampler, BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import { ATTR_SERVICE_NAME } from "@opentelemetry/semantic-conventions";
import type { Logger } from "./log.ts";
import { observeProcess } from "./process-metrics.ts";

export interface Telemetry {
  readonly tracer: Tracer;
  readonly meter: Meter;
  /** Answers with all metrics in the Prometheus text format. */
  handleMetrics(request: IncomingMessage, response: ServerResponse): void;
  /** Sends what is still buffered and stops. */
  shutdown(): Promise<void>;
}

export interface TelemetryOptions {
  readonly service: string;
  /** Base URL of an OTLP/HTTP collector, e.g. "http://127.0.0.1:4318". Without it spans are not recorded, which makes them
   *  nearly free, but trace ids are still made and passed on. */
  readonly otlpEndpoint?: string;
  /** Receives what the OpenTelemetry SDK complains about, such as a collector that cannot be reached. */
  readonly log?: Logger;
}

/** The current context travels with async calls through one process-wide store; everything else belongs to the caller. */
const contextManager = new AsyncLocalStorageContextManager().enable();

export function startTelemetry({ service, otlpEndpoint, log }: TelemetryOptions): Telemetry {
  context.setGlobalContextManager(contextManager);
  if (log) forwardComplaints(log);

  const resource = resourceFromAttributes({ [ATTR_SERVICE_NAME]: service });
  const tracers = startTracers(resource, otlpEndpoint);
  const prometheus = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const meters = new MeterProvider({ resource, readers: [prometheus] });
  const meter = meters.getMeter("vcc-pki");
  const stopObserving = observeProcess(meter);

  return {
    tracer: tracers.getTracer("vcc-pki"),
    meter,
    handleMetrics: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    async shutdown() {
      stopObserving();
      await Promise.all([tracers.shutdown(), meters.shutdown()]);
    },
  };
}

function startTracers(resource: Resource, otlpEndpoint: string | undefined): TracerProvider {
  if (otlpEndpoint === undefined) return new TracerProvider({ resource, sampler: new AlwaysOffSampler() });
  const exporter = otlpExporter(`${otlpEndpoint.replace(/\/$/, "")}/v1/traces`);
  return new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
}

/** Loads the exporter on first use: it is memory that a service without a collector need not hold. */
function otlpExporter(url: string): SpanExporter {
  let loading: Promise<SpanExporter> | undefined;
  const load = () => {
    loading ??= import("@opentelemetry/exporter-trace-otlp-http").then(
      (module) => new module.OTLPTraceExporter({ url }),
    );
    return loading;
  };
  return {
    export(spans, done) {
      load().then(
        (exporter) => exporter.export(spans, done),
        (error) => done({ code: ExportResultCode.FAILED, error }),
      );
    },
    forceFlush: async () => (await loading)?.forceFlush?.(),
    shutdown: async () => (await loading)?.shutdown(),
  };
}

function forwardComplaints(log: Logger): void {
  const forward =
    (level: "debug" | "warn" | "error") =>
    (complaint: string, ...details: unknown[]) =>
      log[level]("opentelemetry complained", { complaint, details });
  const forwarder = {
    verbose: forward("debug"),
    debug: forward("debug"),
    info: forward("debug"),
    warn: forward("warn"),
    error: forward("error"),
  };
  diag.setLogger(forwarder, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
