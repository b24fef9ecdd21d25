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
  /** Where notices are sent to. */
  webhooks: z
    .strictObject({
      /** Networks that receivers may be in, CIDR notation: "0.0.0.0/0" is all but loopback, link-local and metadata addresses. None: nothing is sent. */
      networks: z.array(z.string()).default([]),
      /** PEM of the roots that receivers' certificates chain to. Absent: the system's. */
      trustFile: z.string().optional(),
      /** How long a receiver may take. */
      timeout: Duration.prefault("10s"),
      /** How often it looks for what is to be sent again. */
      interval: Duration.prefault("5s"),
    })
    .prefault({}),
});

export type LifecycleConfig = z.output<typeof LifecycleConfig>;
