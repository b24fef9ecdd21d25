import type { PkiError } from "@vcc-pki/errors";
import { silentLogger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { DEFAULT_TRUST_DOMAIN, parseSpiffeId, suiteId } from "@vcc-pki/x509";
import { type IncomingCall, REQUESTER_KEY } from "./admission.ts";
import {
  type ClientTransport,
  cancelledOr,
  type OutgoingCall,
  type OutgoingRequests,
  remoteOver,
} from "./client-call.ts";
import type { Remote, ServiceDefinition } from "./definition.ts";
import { createDispatcher, type Dispatcher, type DispatcherOptions } from "./dispatcher.ts";
import type { ServiceImplementation } from "./implement.ts";
import { DEFAULT_LIMITS, type RpcLimits } from "./limits.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { OpenCall } from "./open-call.ts";
import type { Peer } from "./peer.ts";
import { fromWireError, toWireError } from "./wire-error.ts";

export interface InProcessOptions {
  /** Who calls: the name of a suite service ("ca") or a SPIFFE URI. */
  readonly caller: string;
  readonly clock: Clock;
  /** As in `serve`; the gateway and the ca unless given. */
  readonly mayForward?: readonly string[];
  readonly trustDomain?: string;
  readonly defaultDeadlineMs?: number;
  /** As in `serve`. */
  readonly limits?: Partial<RpcLimits>;
  readonly log?: DispatcherOptions["log"];
  readonly onRefused?: DispatcherOptions["onRefused"];
}

/** A service in this process, through the same codecs, caller rules, deadlines and error mapping as over the wire. Only TLS is
 *  missing: the caller is who the test says. */
export function connectInProcess<D extends ServiceDefinition>(
  services: ServiceImplementation | readonly ServiceImplementation[],
  definition: D,
  options: InProcessOptions,
): Remote<D> {
  const dispatcher = createDispatcher({
    services: "fullName" in services ? [services] : services,
    mayForward: options.mayForward ?? ["gateway", "ca"],
    clock: options.clock,
    trustDomain: options.trustDomain,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    log: options.log ?? silentLogger,
    onRefused: options.onRefused,
  });
  const peer = peerNamed(options.caller, options.trustDomain);
  return remoteOver(definition, inProcessTransport(dispatcher, peer), {
    defaultDeadlineMs: options.defaultDeadlineMs ?? 10_000,
    traced: (_path, work) => work(),
  });
}

function peerNamed(caller: string, trustDomain: string = DEFAULT_TRUST_DOMAIN): Peer {
  const uri = caller.startsWith("spiffe://") ? caller : suiteId(caller, trustDomain);
  const id = parseSpiffeId(uri, trustDomain);
  return { id, serialHex: "00", issuerKeyId: "00", notBefore: new Date(0), notAfter: new Date(8.64e15) };
}

function inProcessTransport(dispatcher: Dispatcher, peer: Peer): ClientTransport {
  return {
    async unary(call, request) {
      let response: Uint8Array | undefined;
      await answer(dispatcher.open(incoming(call, peer)), call, request, (bytes) => {
        response = bytes;
        return undefined;
      });
      if (response === undefined) throw new Error("neither answer nor error");
      return response;
    },
    stream(call, requests, responses) {
      const opened = dispatcher.open(incoming(call, peer));
      const single = requests instanceof Uint8Array ? requests : undefined;
      answer(opened, call, single, writeTo(responses, opened)).then(
        () => responses.end(),
        (error) => responses.fail(error),
      );
      if (!(requests instanceof Uint8Array)) pump(requests, opened).catch((error) => responses.fail(error));
    },
  };
}

function incoming(call: OutgoingCall, peer: Peer): IncomingCall {
  const { [REQUESTER_KEY]: requester, traceparent, tracestate } = call.headers;
  return {
    path: call.path,
    requesters: requester === undefined ? [] : [requester],
    trace: { traceparent, tracestate },
    timeoutMs: call.timeoutMs,
    readPeer: () => peer,
  };
}

async function answer(
  opened: OpenCall,
  { signal }: OutgoingCall,
  request: Uint8Array | undefined,
  write: Parameters<OpenCall["answer"]>[1],
): Promise<void> {
  const cancel = () => opened.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    await opened.answer(request, write);
  } catch (error) {
    throw cancelledOr(signal, fromWireError(toWireError(error as PkiError)));
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** Hands answers over; waits while the reader is behind. */
function writeTo(responses: MessageQueue<Uint8Array>, opened: OpenCall): Parameters<OpenCall["answer"]>[1] {
  let behind: PromiseWithResolvers<void> | undefined;
  const resume = () => {
    behind?.resolve();
    behind = undefined;
  };
  responses.attach(
    {
      pause: () => {
        behind ??= Promise.withResolvers();
      },
      resume,
    },
    () => {
      resume();
      opened.cancel();
    },
  );
  return (bytes) => {
    responses.push(bytes);
    return behind?.promise;
  };
}

async function pump(requests: Exclude<OutgoingRequests, Uint8Array>, opened: OpenCall): Promise<void> {
  let behind: PromiseWithResolvers<void> | undefined;
  opened.input.attach({
    pause: () => {
      behind ??= Promise.withResolvers();
    },
    resume: () => {
      behind?.resolve();
      behind = undefined;
    },
  });
  try {
    for await (const bytes of requests) {
      opened.receive(bytes);
      await behind?.promise;
    }
    opened.input.end();
  } catch (error) {
    opened.cancel();
    throw error;
  }
}
