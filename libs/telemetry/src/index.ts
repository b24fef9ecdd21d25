export type { AuditOutcome, AuditRecord } from "./audit-record.ts";
export { type HealthServer, type HealthServerOptions, type ReadinessReport, startHealthServer } from "./health.ts";
export { createLogger, type Fields, type Logger, type LoggerOptions, type LogLevel, silentLogger } from "./log.ts";
export { startTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";
export {
  currentTraceId,
  extractContext,
  inCurrentContext,
  injectContext,
  type TraceCarrier,
  withContext,
  withSpan,
} from "./trace.ts";
