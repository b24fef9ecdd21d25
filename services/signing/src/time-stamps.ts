import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type {
  TimestampRequest,
  TimestampResponse,
  TimestampServiceDefinition,
  TimestampStreamRequest_Item,
} from "@vcc-pki/proto/tsa";
import { ItemChannel, type Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";

export interface TimeStampsOptions {
  /** The tsa's unit; empty: its first. */
  readonly unit: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** How long one time stamp may take. */
  readonly deadlineMs: number;
}

/** Time stamps over signatures, from the suite's tsa. */
export class TimeStamps {
  readonly #channel: ItemChannel<TimestampStreamRequest_Item, TimestampResponse>;
  readonly #unit: string;

  constructor(tsa: Remote<typeof TimestampServiceDefinition>, { unit, ...options }: TimeStampsOptions) {
    this.#unit = unit;
    this.#channel = new ItemChannel({
      ...{ ...options, name: "time-stamps" },
      stream: (requests) => tsa.timestampStream(requests),
      unary: ({ request }, deadlineMs) => tsa.timestamp(request as TimestampRequest, { deadlineMs }),
      toLost: (cause) => new PkiError("PEER_UNAVAILABLE", "the stream to the tsa broke", { cause }),
    });
  }

  /** A token over the octets of a signature value, with its certificates (EN 319 122-1 section 5.3). The same request id and signature give
   *  the same token. Rejects with TIME_NOT_AVAILABLE, PEER_UNAVAILABLE: whatever the tsa refuses, it may not the next time. */
  async stamp(signatureValue: Uint8Array, requestId: string): Promise<Uint8Array> {
    const messageImprint = { hashAlgorithm: "sha256", digest: hash("sha256", signatureValue, "buffer") };
    const { outcome } = await this.#channel.ask({
      request: {
        ...{ requestId, unit: this.#unit },
        question: { $case: "query", value: { messageImprint, policyOid: "", nonce: new Uint8Array(), certReq: true } },
      },
    });
    if (outcome?.$case === "token") return outcome.value.tokenDer;
    const { failInfo = "", text = "" } = outcome?.value ?? {};
    const code = failInfo === "timeNotAvailable" ? "TIME_NOT_AVAILABLE" : "PEER_UNAVAILABLE";
    throw new PkiError(code, `the tsa does not stamp: ${text}`, { details: { failInfo } });
  }

  /** Lets what is in flight finish. */
  close(): Promise<void> {
    return this.#channel.close();
  }
}
