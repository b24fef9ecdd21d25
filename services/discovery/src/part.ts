import type { ServiceImplementation } from "@vcc-pki/rpc";
import type { Chore, ServiceContext } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { ReadinessReport } from "@vcc-pki/telemetry";
import type { Administrators } from "./administrators.ts";
import type { DiscoveryConfig } from "./config.ts";
import type { Registry } from "./registry.ts";
import type { RequestTable } from "./store/requests.ts";

/** What every part of the service is built from. */
export interface PartContext
  extends Pick<ServiceContext, "clock" | "log" | "telemetry" | "trustDomain" | "connect" | "bus"> {
  readonly config: DiscoveryConfig;
  readonly store: Store;
  readonly administrators: Administrators;
  readonly registry: Registry;
  /** Write requests that have been answered. */
  readonly requests: RequestTable;
  /** The service's own SPIFFE URI: who did what happens by itself. */
  readonly self: string;
}

/** A part of the service: the registry, enrolment, agents, the matrix, the inventory. They share the database, and meet by what they are given. */
export interface Part {
  readonly services: readonly ServiceImplementation[];
  /** By names of their own among all parts. Each runs once at the start. */
  readonly chores?: Readonly<Record<string, Chore>>;
  ready?(): ReadinessReport;
  /** Ends what is not a chore, before the store is closed. */
  close?(): Promise<void>;
}
