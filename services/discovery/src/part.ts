import type { ServiceImplementation } from "@vcc-pki/rpc";
import type { Administrators, Chore, ServiceContext } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { ReadinessReport } from "@vcc-pki/telemetry";

import type { DiscoveryConfig } from "./config.ts";
import type { Dependencies } from "./dependencies.ts";
import type { Enrol } from "./enrol.ts";
import type { Provisioning } from "./provisioning.ts";
import type { Registry } from "./registry.ts";
import type { NoticeTable } from "./store/notices.ts";
import type { RequestTable } from "./store/requests.ts";

/** What every part of the service is built from. */
export interface PartContext
  extends Pick<ServiceContext, "clock" | "log" | "telemetry" | "trustDomain" | "connect" | "bus" | "identity"> {
  readonly config: DiscoveryConfig;
  readonly store: Store;
  readonly administrators: Administrators;
  readonly registry: Registry;
  readonly provisioning: Provisioning;
  readonly notices: NoticeTable;
  readonly enrol: Enrol;
  readonly dependencies: Dependencies;
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
  /** Has chores that are under way end early; called before they are waited for. */
  stop?(): void;
  /** Ends what is not a chore, before the store is closed. */
  close?(): Promise<void>;
}
