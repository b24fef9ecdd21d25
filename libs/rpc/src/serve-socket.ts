import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry";
import { type Input, type MethodDefinition, methodPath, type Output, type ServiceDefinition } from "./definition.ts";
import { toBuffer, toBytes } from "./grpc-bytes.ts";
import { toStatus, writer } from "./grpc-handlers.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { MessageQueue } from "./message-queue.ts";

/** What a handler knows of a call over a socket: nothing but whether it still goes on. */
export interface SocketContext {
  readonly signal: AbortSignal;
}

export type SocketHandlers<D extends ServiceDefinition> = {
  readonly [M in keyof D["methods"]]: (
    request: Input<D["methods"][M]>,
    context: SocketContext,
  ) => Output<D["methods"][M]>;
};

export interface SocketOptions<D extends ServiceDefinition> {
  /** Path of the socket. One that a dead process left there is replaced. */
  readonly path: string;
  /** Permission bits of the socket: whoever may open it may call. */
  readonly mode: number;
  readonly definition: D;
  readonly handlers: SocketHandlers<D>;
  readonly log: Logger;
}

export interface SocketServer {
  /** Ends every call. */
  close(): void;
}

/**
 * Serves to programs on this machine, over plain gRPC on a Unix socket. There are no certificates and no caller table here: the file's
 * permissions say who may call, and every caller may do everything. So it is for handing a machine's own things to a neighbour, and never for
 * what the suite's services offer; those are served by `serve` alone. Messages are bounded as there; calls live as long as their connection.
 * Throws CONFIG_INVALID when the path cannot be bound, or is something else than a socket.
 */
export async function serveSocket<D extends ServiceDefinition>(options: SocketOptions<D>): Promise<SocketServer> {
  const { path, mode, definition, handlers, log } = options;
  const server = new Server({
    "grpc.max_receive_message_length": DEFAULT_LIMITS.maxReceiveBytes,
    "grpc.enable_channelz": 0,
  });
  for (const [key, method] of Object.entries(definition.methods)) {
    const handle = handlers[key as keyof D["methods"]] as Handle;
    const isStream = requireShape(method);
    const handler = isStream ? bidi(method, handle, log) : unary(method, handle, log);
    server.register(methodPath(definition, method), handler as never, same, same, isStream ? "bidi" : "unary");
  }
  removeStale(path);
  await bind(server, path, mode);
  return { close: () => server.forceShutdown() };
}

type Handle = (request: unknown, context: SocketContext) => unknown;

const same = (bytes: Buffer): Buffer => bytes;

/** The two shapes that what is served here has. */
function requireShape({ requestStream, responseStream, name }: MethodDefinition): boolean {
  if (requestStream !== responseStream) throw new Error(`${name} streams one way only, which no socket here serves`);
  return requestStream;
}

function unary(method: MethodDefinition, handle: Handle, log: Logger) {
  return async (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
    try {
      const answer = await handle(decode(method, call.request), { signal: endOf(call) });
      callback(null, toBuffer(method.responseType.encode(answer as never).finish()));
    } catch (error) {
      callback(toStatus(refusal(error, method, log)));
    }
  };
}

function bidi(method: MethodDefinition, handle: Handle, log: Logger) {
  return async (call: ServerDuplexStream<Buffer, Buffer>) => {
    const input = new MessageQueue<unknown>();
    const signal = endOf(call);
    input.attach({ pause: () => call.pause(), resume: () => call.resume() });
    signal.addEventListener("abort", () => input.end(), { once: true });
    call.on("data", (bytes: Buffer) => {
      try {
        input.push(decode(method, bytes));
      } catch (error) {
        input.fail(error);
      }
    });
    call.on("end", () => input.end());
    const write = writer(call);
    try {
      for await (const answer of handle(input, { signal }) as AsyncIterable<unknown>) {
        await write(method.responseType.encode(answer as never).finish());
      }
      call.end();
    } catch (error) {
      if (!call.cancelled) call.emit("error", toStatus(refusal(error, method, log)));
    }
  };
}

function endOf(call: ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>): AbortSignal {
  const end = new AbortController();
  (call as ServerUnaryCall<Buffer, Buffer>).on("cancelled", () => end.abort());
  return end.signal;
}

function decode(method: MethodDefinition, bytes: Buffer): unknown {
  try {
    return method.requestType.decode(toBytes(bytes));
  } catch (cause) {
    throw new PkiError("REQUEST_MALFORMED", "the request is not a valid protobuf message", { cause });
  }
}

function refusal(error: unknown, { name }: MethodDefinition, log: Logger): PkiError {
  if (!(error instanceof PkiError)) log.error("call over the socket failed", { method: name, error });
  return toPkiError(error);
}

/** A socket without its server answers nobody. Anything else at that path is somebody's. */
function removeStale(path: string): void {
  let isSocket: boolean | undefined;
  try {
    isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket();
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot listen on ${path}`, { cause });
  }
  if (isSocket === false) throw new PkiError("CONFIG_INVALID", `${path} is there, and no socket`);
  if (isSocket) unlinkSync(path);
}

/** Nobody can open the socket before it has its mode. */
function bind(server: Server, path: string, mode: number): Promise<void> {
  const before = process.umask(0o177);
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (cause) => {
      process.umask(before);
      if (cause) return reject(new PkiError("CONFIG_INVALID", `cannot listen on ${path}`, { cause }));
      chmodSync(path, mode);
      resolve();
    });
  });
}
