import { PkiError } from "@vcc-pki/errors";
import type { SignStreamRequest, SignStreamResponse } from "@vcc-pki/proto/hsm";
import { answerItems } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Who } from "./request.ts";
import type { Signing } from "./sign.ts";

/** Answers a stream of signing requests. `whoOf` names who stands behind an item. */
export const answerStream = (
  requests: AsyncIterable<SignStreamRequest>,
  signing: Signing,
  whoOf: (requester: string) => Who,
  log: Logger,
): AsyncGenerator<SignStreamResponse> =>
  answerItems(
    requests,
    async ({ request, requester }) => {
      if (!request) throw new PkiError("REQUEST_MALFORMED", "an item without request");
      return { signature: await signing.sign(request, whoOf(requester)) };
    },
    log,
  );
