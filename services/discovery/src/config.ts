import { BaseConfig } from "@vcc-pki/service";
import { z } from "zod";
import { ProbeConfig, SourcesConfig } from "./probe-config.ts";

export const DiscoveryConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** The organisation that runs the suite: callers without one are put on record under it. */
  organisation: z.string(),
  /** Profiles of the ca that a service may have; the first unless another is asked for. */
  profiles: z.array(z.string()).min(1).default(["mtls_service", "mtls_service_short", "vcc_service_template"]),
  probes: ProbeConfig.prefault({}),
  sources: SourcesConfig.prefault({}),
});

export type DiscoveryConfig = z.output<typeof DiscoveryConfig>;
