import type { Bus } from "@vcc-pki/events";
import type {
  IdentitySource,
  Refusal,
  Remote,
  ServiceDefinition as RpcDefinition,
  RpcLimits,
  ServiceImplementation,
  WritableDenyList,
} from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Logger, ReadinessReport, Telemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { z } from "zod";
import type { BaseConfig } from "./config.ts";

/** What a service is given. The ceremony and the tests give it the same, with peers in their own process. */
export interface ServiceContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly trustDomain: string;
  /** Certificates that are refused at every door of this process. */
  readonly denyList: WritableDenyList;
  /** A peer by its name in the configuration ("hsm-gateway"). Connects when first used. */
  connect<D extends RpcDefinition>(definition: D, peer: string): Remote<D>;
  /** The event bus; undefined when none is configured. */
  readonly bus: Bus | undefined;
  /** The process's own identity, for doors other than gRPC. Undefined in a process that has none, such as the ceremony. */
  readonly identity: IdentitySource | undefined;
}

/** A service at work. */
export interface RunningService {
  /** What it serves over gRPC. */
  readonly services: readonly ServiceImplementation[];
  /** Suite services whose word on who the requester is it believes. */
  readonly mayForward?: readonly string[];
  /** Its database; the outbox in it is relayed to the bus. Closed by `close`. */
  readonly store?: Store;
  readonly limits?: Partial<RpcLimits>;
  /** Told of every call that was turned away before a handler saw it. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** One entry per thing it needs: true, or why it is not ready. */
  ready(): Promise<ReadinessReport>;
  /** Stops timers and subscriptions, finishes what was begun, closes the store last. */
  close(): Promise<void>;
}

export interface ServiceDefinition<S extends z.ZodType<BaseConfig> = z.ZodType<BaseConfig>> {
  /** Its name in SPIFFE ids, configuration and logs: "hsm-gateway". */
  readonly name: string;
  readonly config: S;
  /** Reads what the configuration points to (profiles, policies) without starting anything. Throws CONFIG_INVALID. For `--check`. */
  check?(config: z.output<S>): void;
  start(config: z.output<S>, context: ServiceContext): Promise<RunningService>;
}

/** Gives a definition its types; `runService` runs it. */
export const defineService = <S extends z.ZodType<BaseConfig>>(
  definition: ServiceDefinition<S>,
): ServiceDefinition<S> => definition;
