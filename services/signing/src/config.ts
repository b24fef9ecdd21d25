import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";

export const SigningConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** Where relying parties fetch recall lists: plain HTTP, for they are signed. */
  http: BaseConfig.shape.listen,
  /** The organisation that runs the suite: callers without one are put on record under it. */
  organisation: z.string(),
  /** What may be signed, and by whom: a YAML file, see policy.ts. */
  policyFile: z.string(),
  /** Whom to believe what when verifying, by the policy's name: a YAML file, see verification-policy.ts. */
  verificationPolicyFile: z.string(),
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
  recalls: z
    .strictObject({
      /** How long a recall list counts: verifiers that reach nobody go on for so long, and for what their policy adds. */
      validity: Duration.prefault("24h"),
      /** How often lists are looked after; a recall is published at once. */
      interval: Duration.prefault("60s"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** HTTP connections at once; those above are closed. */
      maxConnections: z.int().positive().default(10_000),
      /** How long a connection may be silent between requests. */
      keepAlive: Duration.prefault("60s"),
      /** How long headers may take. */
      headers: Duration.prefault("10s"),
      /** How long a whole request may take. */
      request: Duration.prefault("15s"),
      /** Largest request: some 300,000 files. */
      maxRequestOctets: z.int().positive().default(33_554_432),
      /** Signatures in the making at once; what comes above is refused with RATE_LIMITED. */
      maxWaiting: z.int().positive().default(2_000),
    })
    .prefault({}),
});

export type SigningConfig = z.output<typeof SigningConfig>;
