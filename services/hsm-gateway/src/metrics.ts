import type { ErrorCode } from "@vcc-pki/errors";
import type { Telemetry } from "@vcc-pki/telemetry";
import type { Token } from "./token.ts";

export interface Metrics {
  signed(purpose: string, algorithm: string): void;
  refused(code: ErrorCode): void;
}

/** Everything this service counts. Labels are bounded: purposes, algorithms and codes, never keys or callers. */
export function createMetrics(meter: Telemetry["meter"], token: Token): Metrics {
  const signatures = meter.createCounter("pki_hsm_signatures", { description: "Signatures made and recorded" });
  const refusals = meter.createCounter("pki_hsm_refusals", {
    description: "Signing requests that ended without signature",
  });
  meter
    .createObservableGauge("pki_hsm_token_connected", { description: "1 while the gateway is logged in on its token" })
    .addCallback((gauge) => gauge.observe(token.state === "connected" ? 1 : 0));
  return {
    signed: (purpose, algorithm) => signatures.add(1, { purpose, algorithm }),
    refused: (code) => refusals.add(1, { code }),
  };
}
