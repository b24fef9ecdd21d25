import type { SpiffeId } from "@vcc-pki/x509";
import type { CallerRule } from "./callers.ts";
import type { CallContext } from "./context.ts";

/** The codec of one message, as ts-proto generates it. */
export interface MessageCodec {
  encode(message: never): { finish(): Uint8Array };
  decode(input: Uint8Array): unknown;
}

/** One RPC in a ts-proto `generic-definitions` service. */
export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageCodec;
  readonly requestStream: boolean;
  readonly responseType: MessageCodec;
  readonly responseStream: boolean;
}

/** What ts-proto's `outputServices=generic-definitions` exports as `XServiceDefinition`. */
export interface ServiceDefinition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

export type RequestOf<M extends MethodDefinition> = ReturnType<M["requestType"]["decode"]>;
export type ResponseOf<M extends MethodDefinition> = ReturnType<M["responseType"]["decode"]>;

export type Input<M extends MethodDefinition> = M["requestStream"] extends true
  ? AsyncIterable<RequestOf<M>>
  : RequestOf<M>;
export type Output<M extends MethodDefinition> = M["responseStream"] extends true
  ? AsyncIterable<ResponseOf<M>>
  : Promise<ResponseOf<M>>;

/** What a service implements: one function per RPC. Unary and client-streaming RPCs answer with a promise, the others with
 *  an AsyncIterable, normally an async generator. Throw a PkiError to refuse; anything else reaches the caller as INTERNAL. */
export type Handlers<D extends ServiceDefinition> = {
  readonly [M in keyof D["methods"]]: (
    request: Input<D["methods"][M]>,
    context: CallContext,
  ) => Output<D["methods"][M]>;
};

/** Who may call each RPC. Total: a new RPC does not compile until someone is named. */
export type Callers<D extends ServiceDefinition> = { readonly [M in keyof D["methods"]]: readonly CallerRule[] };

export interface CallOptions {
  /** On whose behalf the call is made. Believed only when the server lists this caller in `mayForward`. */
  readonly requester?: SpiffeId | string;
  /** Milliseconds until the call fails with DEADLINE_EXCEEDED. A unary call made while another is being handled gets at most
   *  what is left of that one's. */
  readonly deadlineMs?: number;
  /** Aborting cancels the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A service as its clients see it. Fails with the PkiError the server threw, PEER_UNAVAILABLE or DEADLINE_EXCEEDED. */
export type Remote<D extends ServiceDefinition> = {
  readonly [M in keyof D["methods"]]: (
    request: Input<D["methods"][M]>,
    options?: CallOptions,
  ) => Output<D["methods"][M]>;
};

/** Path of an RPC in HTTP/2: "/vcc.pki.ca.v1.CertificateService/Issue". */
export const methodPath = (definition: ServiceDefinition, method: MethodDefinition): string =>
  `/${definition.fullName}/${method.name}`;
