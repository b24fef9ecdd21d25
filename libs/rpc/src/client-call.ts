import type { PkiError } from "@vcc-pki/errors";
import { injectContext } from "@vcc-pki/telemetry";
import { REQUESTER_KEY } from "./admission.ts";
import { boundedDeadline } from "./call-scope.ts";
import {
  type CallOptions,
  type MethodDefinition,
  methodPath,
  type Remote,
  type ServiceDefinition,
} from "./definition.ts";
import { MessageQueue } from "./message-queue.ts";

/** A call as a client transport makes it. */
export interface OutgoingCall {
  readonly path: string;
  /** `x-pki-requester` and W3C trace context. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Undefined: a stream without a deadline. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Moves encoded messages. Rejects or fails with a PkiError, or the reason of the signal that was aborted. */
export interface ClientTransport {
  unary(call: OutgoingCall, request: Uint8Array): Promise<Uint8Array>;
  /** Starts a streaming call and pushes what the server answers into `responses`. */
  stream(call: OutgoingCall, requests: OutgoingRequests, responses: MessageQueue<Uint8Array>): void;
}

/** One encoded message, or as many as there will be. */
export type OutgoingRequests = Uint8Array | AsyncIterable<Uint8Array>;

export interface RemoteOptions {
  readonly defaultDeadlineMs: number;
  /** Runs each call inside a client span, when tracing is on. */
  readonly traced: <T>(path: string, work: () => Promise<T>) => Promise<T>;
}

type Method = (request: unknown, options?: CallOptions) => unknown;

/** The typed face of a service over any transport. */
export function remoteOver<D extends ServiceDefinition>(
  definition: D,
  transport: ClientTransport,
  options: RemoteOptions,
): Remote<D> {
  const methods = Object.entries(definition.methods).map(([key, method]): [string, Method] => [
    key,
    remoteMethod(methodPath(definition, method), method, transport, options),
  ]);
  return Object.fromEntries(methods) as unknown as Remote<D>;
}

function remoteMethod(
  path: string,
  method: MethodDefinition,
  transport: ClientTransport,
  options: RemoteOptions,
): Method {
  const { requestStream, responseStream } = method;
  const encode = (message: unknown) => method.requestType.encode(message as never).finish();
  const decode = (bytes: Uint8Array) => method.responseType.decode(bytes);
  const outgoing = (callOptions: CallOptions, timeoutMs: number | undefined): OutgoingCall => {
    const { requester, signal } = callOptions;
    const headers = {
      [REQUESTER_KEY]: typeof requester === "object" ? requester.uri : requester,
      ...injectContext(),
    };
    return { path, headers, timeoutMs, signal };
  };

  if (!requestStream && !responseStream) {
    return (request, callOptions = {}) => {
      const timeoutMs = boundedDeadline(callOptions.deadlineMs ?? options.defaultDeadlineMs);
      return options.traced(path, async () => {
        callOptions.signal?.throwIfAborted();
        return decode(await transport.unary(outgoing(callOptions, timeoutMs), encode(request)));
      });
    };
  }
  const open = (request: unknown, callOptions: CallOptions = {}): MessageQueue<Uint8Array> => {
    const responses = new MessageQueue<Uint8Array>();
    const requests = requestStream ? mapMessages(request as AsyncIterable<unknown>, encode) : encode(request);
    transport.stream(outgoing(callOptions, callOptions.deadlineMs), requests, responses);
    return responses;
  };
  if (responseStream) return (request, callOptions) => mapMessages(open(request, callOptions), decode);
  return async (request, callOptions) => {
    const { value, done } = await open(request, callOptions).next();
    if (done) throw new Error(`${path} ended without an answer`);
    return decode(value);
  };
}

/** Applies `map` to each message, without a generator's extra turn per message. */
function mapMessages<T, U>(source: AsyncIterable<T>, map: (message: T) => U): AsyncIterableIterator<U> {
  const iterator = source[Symbol.asyncIterator]();
  return {
    next: () =>
      iterator.next().then((result) => (result.done ? { done: true, value: undefined } : { value: map(result.value) })),
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The error of a cancelled call is what its signal says; of any other, what happened. */
export const cancelledOr = (signal: AbortSignal | undefined, error: PkiError): unknown =>
  signal?.aborted ? signal.reason : error;
