import { PkiError } from "@vcc-pki/errors";
import type { CallerRule } from "./callers.ts";
import type { CallContext } from "./context.ts";
import {
  type Callers,
  type Handlers,
  type MethodDefinition,
  methodPath,
  type ServiceDefinition,
} from "./definition.ts";

/** One RPC, ready to be served: bytes in, bytes out, and who may call. */
export interface ImplementedMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly callers: readonly CallerRule[];
  /** Throws REQUEST_MALFORMED. */
  decodeRequest(bytes: Uint8Array): unknown;
  encodeResponse(message: unknown): Uint8Array;
  /** A promise, or an AsyncIterable when `responseStream`. */
  handle(input: unknown, context: CallContext): unknown;
}

/** A service with its handlers and callers, for `serve` and `connectInProcess`. */
export interface ServiceImplementation {
  readonly fullName: string;
  readonly methods: readonly ImplementedMethod[];
}

/** Ties handlers and callers to the definition they are typed by. */
export function implement<D extends ServiceDefinition>(
  definition: D,
  handlers: Handlers<D>,
  callers: Callers<D>,
): ServiceImplementation {
  const methods = Object.entries(definition.methods).map(([key, method]) =>
    implementMethod(
      definition,
      method,
      handlers[key as keyof D["methods"]] as Handle,
      callers[key as keyof D["methods"]],
    ),
  );
  return { fullName: definition.fullName, methods };
}

type Handle = ImplementedMethod["handle"];

function implementMethod(
  definition: ServiceDefinition,
  method: MethodDefinition,
  handle: Handle,
  callers: readonly CallerRule[],
): ImplementedMethod {
  return {
    path: methodPath(definition, method),
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    callers,
    decodeRequest(bytes) {
      try {
        return method.requestType.decode(bytes);
      } catch (cause) {
        throw new PkiError("REQUEST_MALFORMED", "the request is not a valid protobuf message", { cause });
      }
    },
    encodeResponse: (message) => method.responseType.encode(message as never).finish(),
    handle,
  };
}
