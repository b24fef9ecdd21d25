import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import type { AdmissionRules, IncomingCall } from "./admission.ts";
import type { ImplementedMethod, ServiceImplementation } from "./implement.ts";
import type { RpcLimits } from "./limits.ts";
import { OpenCall } from "./open-call.ts";
import { serverTelemetry } from "./server-telemetry.ts";

/** A call that was turned away before its handler saw it. */
export interface Refusal {
  /** Path of the method, or of what was asked for instead. */
  readonly method: string;
  /** SPIFFE URI; undefined when the peer has none that we accept. */
  readonly caller: string | undefined;
  readonly code: string;
}

export interface DispatcherOptions extends AdmissionRules {
  readonly services: readonly ServiceImplementation[];
  readonly limits: RpcLimits;
  readonly log: Logger;
  readonly telemetry?: Telemetry;
  readonly onRefused?: (refusal: Refusal) => void;
}

/** Everything between a transport and the handlers, the same for gRPC and in-process. */
export interface Dispatcher {
  readonly methods: ReadonlyMap<string, ImplementedMethod>;
  open(incoming: IncomingCall): OpenCall;
  /** Refuses new calls with PEER_UNAVAILABLE, ends streams gently, and resolves when no call is open. */
  drain(): Promise<void>;
  /** Aborts what is still open. */
  close(): void;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const methods = new Map(
    options.services.flatMap((service) => service.methods.map((method) => [method.path, method])),
  );
  const calls = new Set<OpenCall>();
  const telemetry = serverTelemetry(options.telemetry);
  let drained: PromiseWithResolvers<void> | undefined;

  const stopWatching = options.denyList?.onChange(() => {
    for (const call of calls) call.recheckPeer();
  });
  const host = {
    options,
    methods,
    telemetry,
    isDraining: () => drained !== undefined,
    onEnd(call: OpenCall) {
      calls.delete(call);
      if (calls.size === 0) drained?.resolve();
    },
  };
  return {
    methods,
    open(incoming) {
      const call = new OpenCall(host, incoming);
      calls.add(call);
      return call;
    },
    drain() {
      drained ??= Promise.withResolvers();
      for (const call of calls) call.endGently();
      if (calls.size === 0) drained.resolve();
      return drained.promise;
    },
    close() {
      stopWatching?.();
      for (const call of calls) call.cancel("the server is closing");
    },
  };
}
