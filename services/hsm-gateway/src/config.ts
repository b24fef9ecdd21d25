import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";
import { PURPOSE_NAMES } from "./policy.ts";

export const HsmGatewayConfig = BaseConfig.extend({
  store: BaseConfig.shape.store.nonoptional(),
  token: z.strictObject({
    /** The vendor's PKCS#11 library. SoftHSM keeps keys in files and is called a software token wherever it shows. */
    module: z.string().default("/usr/lib/softhsm/libsofthsm2.so"),
    /** Variables that the library reads, e.g. SOFTHSM2_CONF. */
    environment: z.record(z.string(), z.string()).default({}),
    /** Label of the token. */
    label: z.string().min(1).max(32),
    /** The user's PIN, read at each login. The file must not be readable by others. A wrong PIN is not tried twice. */
    pinFile: z.string(),
    /** Sessions for RSA, slow curves and key generation, each one operation on another thread. libuv has 4 threads by default. */
    sessions: z.int().min(1).max(64).default(4),
    /** How often the token is asked for a sign of life, or looked for when it is away. */
    probeEvery: Duration.default(5_000),
  }),
  /** Which service may make keys for which purposes. */
  creators: z.record(z.string(), z.array(z.enum(Object.values(PURPOSE_NAMES)))),
  /** Services whose word on the requester is believed. */
  mayForward: z.array(z.string()).default(["gateway", "ca"]),
  /** Whether a root-ca key must be under quorum. Only a test has a reason to say no. */
  rootKeysNeedQuorum: z.boolean().default(true),
  /** How long custodians may take to agree, and how long their agreement holds. */
  approvalValidity: Duration.default(72 * 3_600_000),
});

export type HsmGatewayConfig = z.output<typeof HsmGatewayConfig>;
