import type { ErrorCode } from "@vcc-pki/errors";
import type { Telemetry } from "@vcc-pki/telemetry";
import type { Token } from "./token.ts";

export interface Metrics {
  signed(purpose: string): void;
  refused(code: ErrorCode): void;
}

/** Everything this service counts. Labels are bounded: purposes and codes, never keys or callers. */
export function createMetrics(meter: Telemetry["meter"], token: Token): Metrics {
  const signed = countBy("purpose");
  const refused = countBy("code");
  meter
    .createObservableCounter("pki_hsm_signatures", { description: "Signatures made and recorded" })
    .addCallback(signed.observe);
  meter
    .createObservableCounter("pki_hsm_refusals", { description: "Signing requests that ended without signature" })
    .addCallback(refused.observe);
  meter
    .createObservableGauge("pki_hsm_token_connected", { description: "1 while the gateway is logged in on its token" })
    .addCallback((gauge) => gauge.observe(token.state === "connected" ? 1 : 0));
  return { signed: signed.count, refused: refused.count };
}

/** Counts here and is asked now and then, which costs a signature nothing. */
function countBy(label: string) {
  const counts = new Map<string, number>();
  return {
    count: (value: string) => {
      counts.set(value, (counts.get(value) ?? 0) + 1);
    },
    observe: (counter: { observe(count: number, labels: Record<string, string>): void }) => {
      for (const [value, count] of counts) counter.observe(count, { [label]: value });
    },
  };
}
