import { Client, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import type { PkiError } from "@vcc-pki/errors";
import { type ClientTransport, cancelledOr, type OutgoingCall, type OutgoingRequests } from "./client-call.ts";
import { MutualTlsChannelCredentials } from "./client-credentials.ts";
import type { ConnectOptions } from "./connect.ts";
import { textValues, toBuffer, toBytes, toMetadata } from "./grpc-bytes.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { MessageQueue } from "./message-queue.ts";
import { fromWireError } from "./wire-error.ts";

const same = (bytes: Buffer): Buffer => bytes;

/** Calls over grpc-js: one connection, replaced when the identity changes. */
export function grpcTransport(options: ConnectOptions): ClientTransport & { close(): void } {
  let client = openClient(options);
  const stopWatching = options.identity.onChange(() => {
    const old = client;
    client = openClient(options);
    old.close();
  });

  return {
    unary: (call, request) => unaryCall(client, call, request),
    stream: (call, requests, responses) => streamCall(client, call, requests, responses),
    close() {
      stopWatching();
      client.close();
    },
  };
}

function openClient(options: ConnectOptions): Client {
  const credentials = new MutualTlsChannelCredentials(options.identity.current(), options.expect, options.trustDomain);
  return new Client(options.address, credentials, {
    "grpc.max_receive_message_length": options.maxReceiveBytes ?? DEFAULT_LIMITS.maxReceiveBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    // Whoever may reach the suite's ports does not depend on the environment's proxy settings.
    "grpc.enable_http_proxy": 0,
    // Without a service config the only retry is the transparent one: of a call that the server refused unseen (RFC 9113 section
    // 8.7), as happens to calls that cross a connection's end of life. Nobody retries what may have been done.
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    // A connection belongs to one identity.
    "grpc.use_local_subchannel_pool": 1,
  });
}

const deadlineOf = ({ timeoutMs }: OutgoingCall) =>
  timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };

function unaryCall(client: Client, call: OutgoingCall, request: Uint8Array): Promise<Uint8Array> {
  const { path, headers, signal } = call;
  return new Promise((resolve, reject) => {
    const cancel = () => pending.cancel();
    const pending = client.makeUnaryRequest(
      path,
      same,
      same,
      toBuffer(request),
      toMetadata(headers),
      deadlineOf(call),
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (response) resolve(toBytes(response));
        else reject(error ? cancelledOr(signal, toPkiError(error)) : new Error("neither answer nor error"));
      },
    );
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

function streamCall(
  client: Client,
  call: OutgoingCall,
  requests: OutgoingRequests,
  responses: MessageQueue<Uint8Array>,
): void {
  const { path, headers, signal } = call;
  const stream = client.makeBidiStreamRequest(path, same, same, toMetadata(headers), deadlineOf(call));
  const cancel = () => stream.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  responses.attach({ pause: () => stream.pause(), resume: () => stream.resume() }, cancel);

  stream.on("data", (bytes: Buffer) => responses.push(toBytes(bytes)));
  // After the last message has been read. A failure is known before: then this changes nothing.
  stream.on("end", () => {
    signal?.removeEventListener("abort", cancel);
    responses.end();
  });
  stream.on("error", (error: ServiceError) => {
    signal?.removeEventListener("abort", cancel);
    responses.fail(cancelledOr(signal, toPkiError(error)));
  });
  sendRequests(stream, requests).catch((error) => {
    responses.fail(error);
    stream.cancel();
  });
}

/** Writes as fast as the stream takes it. */
async function sendRequests(stream: ClientDuplexStream<Buffer, Buffer>, requests: OutgoingRequests): Promise<void> {
  if (requests instanceof Uint8Array) {
    stream.end(toBuffer(requests));
    return;
  }
  const over = new AbortController();
  stream.once("status", () => over.abort());
  for await (const request of requests) {
    if (over.signal.aborted) break;
    if (!stream.write(toBuffer(request))) await drained(stream, over.signal);
  }
  if (!over.signal.aborted) stream.end();
}

function drained(stream: ClientDuplexStream<Buffer, Buffer>, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off("drain", settle);
      over.removeEventListener("abort", settle);
      resolve();
    };
    stream.once("drain", settle);
    over.addEventListener("abort", settle, { once: true });
  });
}

function toPkiError(error: ServiceError): PkiError {
  const trailers = Object.fromEntries(
    ["error-code", "error-details"].flatMap((key) => textValues(error.metadata, key).map((value) => [key, value])),
  );
  return fromWireError({ status: error.code, message: error.details, trailers }, error);
}
