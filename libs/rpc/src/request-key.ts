import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { CallContext } from "./context.ts";

/** A request id with what a repeat must agree with. */
export interface RequestKey {
  /** SPIFFE URI of the requester. */
  readonly caller: string;
  readonly requestId: string;
  readonly contentSha256: Uint8Array;
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}

const MAX_REQUEST_ID = 128;

/** The request id with what a repeat must agree with. Throws REQUEST_MALFORMED for an id that is missing, long or not printable. */
export function requestKey<T extends { requestId: string }>(
  { requester }: CallContext,
  method: string,
  codec: Codec<T>,
  request: T,
): RequestKey {
  const { requestId } = request;
  if (requestId.length > MAX_REQUEST_ID || !/^[\x21-\x7e]+$/.test(requestId))
    throw new PkiError("REQUEST_MALFORMED", `a request id has 1 to ${MAX_REQUEST_ID} printable characters`);
  const content = codec.encode({ ...request, requestId: method }).finish();
  return { caller: requester.uri, requestId, contentSha256: hash("sha256", content, "buffer") };
}

/** The key of one digest of a bulk. A blank keeps it apart from every id that a caller can choose. */
export const itemKey = ({ caller, requestId, contentSha256 }: RequestKey, index: number): RequestKey => ({
  ...{ caller, requestId: `${requestId} ${index}` },
  contentSha256: hash("sha256", Buffer.concat([contentSha256, Buffer.from(String(index))]), "buffer"),
});
