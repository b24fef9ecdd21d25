import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  StatusObject,
} from "@grpc/grpc-js";
import { PkiError } from "@vcc-pki/errors";
import { type IncomingCall, REQUESTER_KEY } from "./admission.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { textValues, toBuffer, toBytes, toMetadata } from "./grpc-bytes.ts";
import { sessionOf } from "./grpc-internals.ts";
import type { ImplementedMethod } from "./implement.ts";
import type { OpenCall } from "./open-call.ts";
import { type Peer, readPeer } from "./peer.ts";
import { toWireError } from "./wire-error.ts";

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

/** The four shapes of grpc-js handlers, each a few lines around `OpenCall.answer`. */
export function grpcHandlers(dispatcher: Dispatcher, trustDomain: string | undefined) {
  const peerOf = peerReader(trustDomain);
  const open = (path: string, call: AnyCall): OpenCall => {
    const opened = dispatcher.open(incomingCall(path, call, peerOf));
    (call as ServerUnaryCall<Buffer, Buffer>).on("cancelled", () => opened.cancel());
    return opened;
  };

  const unary =
    (path: string): handleUnaryCall<Buffer, Buffer> =>
    (call, callback) => {
      let response: Buffer | null = null;
      open(path, call)
        .answer(toBytes(call.request), (bytes) => {
          response = toBuffer(bytes);
          return undefined;
        })
        .then(
          () => callback(null, response),
          (error) => callback(toStatus(error)),
        );
    };

  const clientStream =
    (path: string): handleClientStreamingCall<Buffer, Buffer> =>
    (call, callback) => {
      let response: Buffer | null = null;
      const opened = open(path, call);
      pipeRequests(call, opened);
      opened
        .answer(undefined, (bytes) => {
          response = toBuffer(bytes);
          return undefined;
        })
        .then(
          () => callback(null, response),
          (error) => callback(toStatus(error)),
        );
    };

  const serverStream =
    (path: string): handleServerStreamingCall<Buffer, Buffer> =>
    (call) => {
      finish(call, open(path, call).answer(toBytes(call.request), writer(call)));
    };

  const bidi =
    (path: string): handleBidiStreamingCall<Buffer, Buffer> =>
    (call) => {
      const opened = open(path, call);
      pipeRequests(call, opened);
      finish(call, opened.answer(undefined, writer(call)));
    };

  return (method: Pick<ImplementedMethod, "path" | "requestStream" | "responseStream">) => {
    if (method.requestStream) return method.responseStream ? bidi(method.path) : clientStream(method.path);
    return method.responseStream ? serverStream(method.path) : unary(method.path);
  };
}

function incomingCall(path: string, call: AnyCall, peerOf: (call: AnyCall) => Peer): IncomingCall {
  const { metadata } = call;
  return {
    path,
    requesters: textValues(metadata, REQUESTER_KEY),
    trace: { traceparent: textValues(metadata, "traceparent")[0], tracestate: textValues(metadata, "tracestate")[0] },
    timeoutMs: remainingMs(call.getDeadline()),
    readPeer: () => peerOf(call),
  };
}

/** Who is at the other end. The certificate cannot change within a connection, so it is parsed once for each. */
function peerReader(trustDomain: string | undefined): (call: AnyCall) => Peer {
  const known = new WeakMap<object, Peer>();
  return (call) => {
    const session = sessionOf(call);
    const remembered = session && known.get(session);
    if (remembered) return remembered;
    const certificateDer = call.getAuthContext().sslPeerCertificate?.raw;
    if (!certificateDer) throw new PkiError("CALLER_UNAUTHENTICATED", "no client certificate");
    const peer = readPeer(certificateDer, "clientAuth", trustDomain);
    if (session) known.set(session, peer);
    return peer;
  };
}

/** grpc-js has turned the time the caller allows into a moment of the machine's clock. */
function remainingMs(deadline: Date | number): number | undefined {
  const remaining = Number(deadline) - Date.now();
  return Number.isFinite(remaining) ? Math.max(0, remaining) : undefined;
}

function pipeRequests(
  call: ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  opened: OpenCall,
): void {
  opened.input.attach({ pause: () => call.pause(), resume: () => call.resume() });
  call.on("data", (bytes: Buffer) => opened.receive(toBytes(bytes)));
  call.on("end", () => opened.input.end());
}

type Writable = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

export function writer(call: Writable): (bytes: Uint8Array) => Promise<void> | undefined {
  return (bytes) => {
    if (call.cancelled || call.write(toBuffer(bytes))) return undefined;
    return new Promise((resolve) => {
      const settle = () => {
        call.off("drain", settle).off("cancelled", settle);
        resolve();
      };
      call.once("drain", settle).once("cancelled", settle);
    });
  };
}

function finish(call: Writable, answered: Promise<void>): void {
  answered.then(
    () => call.end(),
    (error) => {
      if (!call.cancelled) call.emit("error", toStatus(error));
    },
  );
}

export function toStatus(error: PkiError): Pick<StatusObject, "code" | "details"> & { metadata: Metadata } & Error {
  const { status, message, trailers } = toWireError(error);
  return { name: error.name, message, code: status, details: message, metadata: toMetadata(trailers) };
}
