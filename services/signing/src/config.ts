import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";

export const SigningConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** The organisation that runs the suite: callers without one are put on record under it. */
  organisation: z.string(),
  /** What may be signed, and by whom: a YAML file, see policy.ts. */
  policyFile: z.string(),
  keys: z
    .strictObject({
      /** Profiles of the ca that a signer may be given. */
      profiles: z.array(z.string()).min(1).default(["code_signing", "clara_model_template"]),
      /** How often keys that were retired are looked after. */
      interval: Duration.prefault("60s"),
    })
    .prefault({}),
  timeStamps: z
    .strictObject({
      /** The tsa's unit that stamps. Absent: its first. */
      unit: z.string().default(""),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Largest request: some 300,000 files. */
      maxRequestOctets: z.int().positive().default(33_554_432),
      /** Signatures in the making at once; what comes above is refused with RATE_LIMITED. */
      maxWaiting: z.int().positive().default(2_000),
    })
    .prefault({}),
});

export type SigningConfig = z.output<typeof SigningConfig>;
