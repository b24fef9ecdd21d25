import { ERRORS, PkiError } from "@vcc-pki/errors";
import { type IncomingCall, requesterOf, requireValidPeer } from "./admission.ts";
import { type CallScope, runInScope } from "./call-scope.ts";
import { requireCaller } from "./callers.ts";
import type { CallContext } from "./context.ts";
import type { DispatcherOptions } from "./dispatcher.ts";
import type { ImplementedMethod } from "./implement.ts";
import { MessageQueue } from "./message-queue.ts";
import type { Peer } from "./peer.ts";
import type { ServedCall, ServerTelemetry } from "./server-telemetry.ts";

interface Host {
  readonly options: DispatcherOptions;
  readonly methods: ReadonlyMap<string, ImplementedMethod>;
  readonly telemetry: ServerTelemetry;
  isDraining(): boolean;
  onEnd(call: OpenCall): void;
}

/** Hands one encoded message to the transport; a promise means: wait before the next one. */
export type WriteMessage = (bytes: Uint8Array) => Promise<void> | undefined;

/** One call from its arrival to its answer. */
export class OpenCall {
  /** Requests of a method with `requestStream`. The transport attaches its flow control. */
  readonly input = new MessageQueue<unknown>();
  readonly #host: Host;
  readonly #incoming: IncomingCall;
  readonly #abort = new AbortController();
  readonly #method: ImplementedMethod | undefined;
  readonly #served: ServedCall;
  readonly #timers: NodeJS.Timeout[] = [];
  #peer: Peer | undefined;
  #admitted = false;
  #cancelled = false;
  #over = false;

  constructor(host: Host, incoming: IncomingCall) {
    this.#host = host;
    this.#incoming = incoming;
    this.#method = host.methods.get(incoming.path);
    this.#served = host.telemetry.start(this.#method?.path, incoming.trace);
  }

  /** Admits the call, runs its handler and writes what it answers. `request` is the message of a method without
   *  `requestStream`. Rejects with a PkiError, always. */
  async answer(request: Uint8Array | undefined, write: WriteMessage): Promise<void> {
    const { clock } = this.#host.options;
    const startedMs = clock.monotonicMs();
    let code = "OK";
    try {
      await this.#served.run((traceparent) => this.#untilAborted(this.#handle(request, write, traceparent)));
    } catch (error) {
      const refusal = this.#toRefusal(error);
      code = this.#cancelled ? "CANCELLED" : refusal.code;
      throw refusal;
    } finally {
      this.#over = true;
      this.#timers.forEach(clearTimeout);
      this.#served.end(code, clock.monotonicMs() - startedMs);
      this.#host.onEnd(this);
    }
  }

  /** The next message of a request stream. */
  receive(bytes: Uint8Array): void {
    try {
      if (this.#method) this.input.push(this.#decode(this.#method, bytes));
    } catch (error) {
      this.abort(error as PkiError);
    }
  }

  abort(reason: PkiError): void {
    this.#abort.abort(reason);
    this.input.fail(reason);
  }

  /** The caller has gone, or must go. grpc-js says so of every call in the end. */
  cancel(message = "the caller has cancelled"): void {
    if (this.#over) return;
    this.#cancelled = true;
    this.abort(new PkiError("PEER_UNAVAILABLE", message));
  }

  /** A request stream runs out, and its handler finishes what it has. A stream of answers only is told to come again. */
  endGently(): void {
    if (this.#method?.requestStream) this.input.end();
    else if (this.#method?.responseStream)
      this.abort(new PkiError("PEER_UNAVAILABLE", "the stream is over, open it again"));
  }

  /** Ends the call if its caller's certificate has been denied since. */
  recheckPeer(): void {
    try {
      if (this.#peer) requireValidPeer(this.#peer, this.#host.options);
    } catch (error) {
      this.abort(error as PkiError);
    }
  }

  async #handle(request: Uint8Array | undefined, write: WriteMessage, traceparent: string | undefined): Promise<void> {
    // 1. Who calls, may they, and on whose behalf.
    const { method, caller, requester } = this.#admit();
    // 2. What they ask.
    const message = method.requestStream ? this.input : this.#decode(method, request ?? new Uint8Array());
    this.#admitted = true;
    // 3. How long they wait.
    const scope = this.#startTimers(method);
    const context: CallContext = {
      caller,
      requester,
      requestId: requestIdOf(message),
      deadline: new Date(this.#host.options.clock.now().getTime() + scope.remainingMs()),
      signal: this.#abort.signal,
      traceparent,
    };
    // 4. The handler, and each of its answers.
    try {
      await runInScope(scope, () => this.#runHandler(method, message, context, write));
    } finally {
      scope.ended = true;
    }
  }

  #admit() {
    const { options, isDraining } = this.#host;
    const peer = this.#incoming.readPeer();
    this.#peer = peer;
    requireValidPeer(peer, options);
    if (!this.#method) throw new PkiError("METHOD_UNKNOWN", "there is no such method");
    requireCaller(this.#method.callers, peer.id);
    const requester = requesterOf(this.#incoming, peer.id, options);
    if (isDraining()) throw new PkiError("PEER_UNAVAILABLE", "the server is closing");
    return { method: this.#method, caller: peer.id, requester };
  }

  #decode(method: ImplementedMethod, bytes: Uint8Array): unknown {
    if (bytes.length > this.#host.options.limits.maxReceiveBytes) {
      throw new PkiError("REQUEST_TOO_LARGE", "the request is too large");
    }
    return method.decodeRequest(bytes);
  }

  #startTimers(method: ImplementedMethod): CallScope {
    const { clock, limits } = this.#host.options;
    const isStream = method.requestStream || method.responseStream;
    const limitMs = isStream ? Number.POSITIVE_INFINITY : limits.maxCallMs;
    const timeoutMs = Math.min(this.#incoming.timeoutMs ?? limitMs, limitMs);
    const endsAtMs = clock.monotonicMs() + Math.min(timeoutMs, limits.maxStreamAgeMs);
    if (timeoutMs <= limits.maxStreamAgeMs) {
      this.#timers.push(setTimeout(() => this.abort(new PkiError("DEADLINE_EXCEEDED", "too late")), timeoutMs));
    }
    if (isStream) {
      const validMs = this.#peer ? this.#peer.notAfter.getTime() - clock.now().getTime() : 0;
      this.#timers.push(setTimeout(() => this.endGently(), Math.min(limits.maxStreamAgeMs, validMs)).unref());
    }
    return { remainingMs: () => Math.max(0, endsAtMs - clock.monotonicMs()), ended: false };
  }

  async #runHandler(
    method: ImplementedMethod,
    input: unknown,
    context: CallContext,
    write: WriteMessage,
  ): Promise<void> {
    const output = method.handle(input, context);
    if (!method.responseStream) {
      const response = await output;
      if (!context.signal.aborted) write(method.encodeResponse(response));
      return;
    }
    for await (const response of output as AsyncIterable<unknown>) {
      if (context.signal.aborted) return;
      const ready = write(method.encodeResponse(response));
      if (ready) await ready;
    }
  }

  #untilAborted(work: Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      work.then(resolve, (error) => {
        if (signal.aborted && !isExpected(error)) this.#logLate(error);
        reject(error);
      });
    });
  }

  /** What the caller is told. The error is logged here, once, when it is our fault: its cause goes no further. */
  #toRefusal(error: unknown): PkiError {
    const { log, onRefused } = this.#host.options;
    const method = this.#method?.path ?? this.#incoming.path.slice(0, 200);
    const caller = this.#peer?.id.uri;
    if (!(error instanceof PkiError)) {
      const traceId = this.#served.traceId();
      log.error("call failed", { method, caller, traceId, error });
      return new PkiError("INTERNAL", "internal error", { details: traceId ? { traceId } : {}, cause: error });
    }
    if (!this.#admitted && error.code !== "PEER_UNAVAILABLE") onRefused?.({ method, caller, code: error.code });
    else if (ERRORS[error.code].http >= 500 && error.cause !== undefined && !this.#cancelled) {
      log.warn("call failed", { method, caller, traceId: this.#served.traceId(), error });
    }
    return error;
  }

  #logLate(error: unknown): void {
    this.#host.options.log.warn("handler failed after its call had ended", { method: this.#method?.path, error });
  }
}

/** What a handler throws because its signal was aborted, or on purpose. */
const isExpected = (error: unknown): boolean =>
  error instanceof PkiError || (error instanceof Error && error.name === "AbortError");

function requestIdOf(message: unknown): string | undefined {
  const requestId = (message as { requestId?: unknown }).requestId;
  return typeof requestId === "string" && requestId !== "" ? requestId : undefined;
}
