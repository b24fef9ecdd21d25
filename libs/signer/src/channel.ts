import { PkiError } from "@vcc-pki/errors";
import type { SigningServiceDefinition, SignRequest, SignResponse, SignStreamRequest_Item } from "@vcc-pki/proto/hsm";
import { ItemChannel, type Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { SignOptions } from "./signer.ts";

export interface SigningChannelOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** How long one signature may take. */
  readonly deadlineMs: number;
}

/** The way to the hsm-gateway for all keys of a service. */
export interface SigningChannel {
  /** See `Signer.sign`. */
  sign(request: SignRequest, options?: SignOptions): Promise<Uint8Array>;
  /** Lets what is in flight finish within its deadlines; what is asked for later fails with PEER_UNAVAILABLE. */
  close(): Promise<void>;
}

/** Signatures by the stream of the hsm-gateway (see `ItemChannel`), or by calls while it is down. When it breaks, what was in flight is
 *  rejected with HSM_UNAVAILABLE. */
export function openSigningChannel(
  remote: Remote<typeof SigningServiceDefinition>,
  options: SigningChannelOptions,
): SigningChannel {
  const channel = new ItemChannel<SignStreamRequest_Item, SignResponse>({
    ...{ ...options, name: "signing" },
    stream: (requests) => remote.signStream(requests),
    unary: ({ request, requester }, deadlineMs) =>
      remote.sign(request as SignRequest, requester === "" ? { deadlineMs } : { deadlineMs, requester }),
    toLost: (cause) =>
      new PkiError("HSM_UNAVAILABLE", "the stream to the hsm-gateway broke; repeat with the same request id", {
        cause,
      }),
  });
  return {
    async sign(request, { requester = "" }: SignOptions = {}) {
      const requesterUri = typeof requester === "string" ? requester : requester.uri;
      return (await channel.ask({ request, requester: requesterUri })).signature;
    },
    close: () => channel.close(),
  };
}
