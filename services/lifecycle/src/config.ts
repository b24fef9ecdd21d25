import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";

export const LifecycleConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** The organisation that runs the suite: callers without one are put on record under it. */
  organisation: z.string(),
  /** How often it asks the ca what changed. The bus tells it at once; this is for when the bus is away. */
  followInterval: Duration.prefault("30s"),
  /** How often it looks for certificates whose time has come. */
  dueInterval: Duration.prefault("10s"),
});

export type LifecycleConfig = z.output<typeof LifecycleConfig>;
