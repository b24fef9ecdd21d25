import type { Server } from "@grpc/grpc-js";
import type { grpcHandlers } from "./grpc-handlers.ts";

// Two things for which grpc-js 1.14 has no door. Tests notice if its insides move.

interface Handler {
  readonly func: unknown;
  readonly serialize: (bytes: Buffer) => Buffer;
  readonly deserialize: (bytes: Buffer) => Buffer;
  readonly type: string;
  readonly path: string;
}

interface ServerInternals {
  _retrieveHandler(path: string): Handler | null;
}

const same = (bytes: Buffer): Buffer => bytes;

/** grpc-js answers an unknown path by itself, before anyone has looked at the caller. This gives such a path a handler that is
 *  admitted like any other and then refused with METHOD_UNKNOWN, so that a denied caller hears CALLER_REVOKED and the refusal
 *  reaches the audit trail. */
export function answerUnknownMethods(server: Server, handlerOf: ReturnType<typeof grpcHandlers>): void {
  const internals = server as unknown as ServerInternals;
  const retrieve = internals._retrieveHandler.bind(server);
  internals._retrieveHandler = (path) => {
    const unknown = { path, requestStream: true, responseStream: true };
    return retrieve(path) ?? { func: handlerOf(unknown), serialize: same, deserialize: same, type: "bidi", path };
  };
}

interface CallInternals {
  readonly call?: { readonly stream?: { readonly session?: object } };
}

/** The HTTP/2 session of a call, as a key to remember its peer by: `getAuthContext` takes the certificate apart anew on each call,
 *  which was 30 % of the server's time. Undefined when grpc-js keeps it elsewhere; then nothing is remembered. */
export const sessionOf = (call: unknown): object | undefined => (call as CallInternals).call?.stream?.session;
