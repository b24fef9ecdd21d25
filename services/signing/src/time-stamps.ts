import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";

export type Tsa = Pick<Remote<typeof TimestampServiceDefinition>, "timestamp">;

/** A token over the octets of a signature value, with its certificates (EN 319 122-1 section 5.3). The same request id and signature give
 *  the same token. Rejects with TIME_NOT_AVAILABLE, PEER_UNAVAILABLE: whatever the tsa refuses, it may not the next time. */
export async function stampSignature(
  tsa: Tsa,
  { unit, requestId, signatureValue }: { unit: string; requestId: string; signatureValue: Uint8Array },
): Promise<Uint8Array> {
  const messageImprint = { hashAlgorithm: "sha256", digest: hash("sha256", signatureValue, "buffer") };
  const { outcome } = await tsa.timestamp({
    ...{ requestId, unit },
    question: { $case: "query", value: { messageImprint, policyOid: "", nonce: new Uint8Array(), certReq: true } },
  });
  if (outcome?.$case === "token") return outcome.value.tokenDer;
  const { failInfo = "", text = "" } = outcome?.value ?? {};
  const code = failInfo === "timeNotAvailable" ? "TIME_NOT_AVAILABLE" : "PEER_UNAVAILABLE";
  throw new PkiError(code, `the tsa does not stamp: ${text}`, { details: { failInfo } });
}
