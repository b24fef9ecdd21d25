import { PkiError } from "@vcc-pki/errors";
import { HealthCheckResponse_ServingStatus, HealthDefinition } from "@vcc-pki/proto/health";
import { implement, type ServiceImplementation } from "./implement.ts";

type Status = HealthCheckResponse_ServingStatus;

export interface HealthService {
  readonly implementation: ServiceImplementation;
  setServing(serving: boolean): void;
}

/** grpc.health.v1 for the server ("") and each of its services, which share one state. For suite callers only. */
export function healthService(serviceNames: readonly string[]): HealthService {
  const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;
  const known = new Set(["", ...serviceNames]);
  let serving = true;
  let changed = Promise.withResolvers<void>();
  const statusOf = (name: string): Status => (known.has(name) ? (serving ? SERVING : NOT_SERVING) : SERVICE_UNKNOWN);

  const implementation = implement(
    HealthDefinition,
    {
      async check({ service }) {
        if (!known.has(service)) throw new PkiError("NOT_FOUND", "there is no such service");
        return { status: statusOf(service) };
      },
      async *watch({ service }, { signal }) {
        const aborted = new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        let last: Status | undefined;
        while (!signal.aborted) {
          const next = changed.promise;
          const status = statusOf(service);
          if (status !== last) yield { status };
          last = status;
          await Promise.race([next, aborted]);
        }
      },
    },
    { check: ["any-suite"], watch: ["any-suite"] },
  );
  return {
    implementation,
    setServing(value) {
      serving = value;
      changed.resolve();
      changed = Promise.withResolvers();
    },
  };
}
