import { BaseConfig } from "@vcc-pki/service";
import { z } from "zod";

export const DiscoveryConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** The organisation that runs the suite: callers without one are put on record under it. */
  organisation: z.string(),
});

export type DiscoveryConfig = z.output<typeof DiscoveryConfig>;
