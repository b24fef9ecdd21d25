import { randomUUIDv7 } from "node:crypto";
import type { Logger } from "@vcc-pki/telemetry";
import type { ResponseDataFields } from "@vcc-pki/x509";
import type { Budget } from "./budget.ts";
import type { Metrics } from "./metrics.ts";
import type { Responder } from "./responders.ts";

export interface OnDemandOptions {
  readonly budget: Budget;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onDeadKey: (responder: number) => void;
}

/** Answers that wait for their signature at once; a queue longer than this is answered later than clients wait. */
const MAX_WAITING = 4_000;

/** Signs while the client waits. */
export class OnDemand {
  readonly #options: OnDemandOptions;
  #waiting = 0;
  #failure: string | undefined;

  constructor(options: OnDemandOptions) {
    this.#options = options;
  }

  /** The whole OCSPResponse; undefined when it cannot be had now. */
  async sign({ responder, signer, template }: Responder, fields: ResponseDataFields): Promise<Buffer | undefined> {
    const { budget, log, metrics, onDeadKey } = this.#options;
    if (this.#waiting >= MAX_WAITING || budget.take(1) === 0) return undefined;
    const data = template.responseData(fields);
    this.#waiting++;
    try {
      const signature = await signer.sign({ $case: "ocspResponseData", value: data }, randomUUIDv7());
      this.#failure = undefined;
      return template.response(data, signature);
    } catch (error) {
      const { code = "INTERNAL" } = error as { code?: string };
      metrics.signaturesFailed.add(1, { code });
      if (this.#failure !== code) log.warn("answers not signed on demand", { error });
      this.#failure = code;
      if (code === "KEY_NOT_ACTIVE" || code === "NOT_FOUND") onDeadKey(responder);
      return undefined;
    } finally {
      this.#waiting--;
    }
  }
}
