import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { BaseConfig, Duration } from "@vcc-pki/service";
import { encodeOid, type KeyBlocklist, parseKeyBlocklist } from "@vcc-pki/x509";
import { z } from "zod";

const duration = (usual: string) => Duration.prefault(usual);

/** Below IANA's enterprise number for examples (RFC 5612): an operator sets an arc of its own. */
const EXAMPLE_POLICY_ARC = "1.3.6.1.4.1.32473.1";

/** 2.25.<UUID> (X.667) would need no registration, but GnuTLS, pkilint and Go before 1.22 cannot read certificates with it. */
const ARC_TOO_LARGE = "numbers of an arc stay below 2^31: many verifiers refuse larger ones";

const platformNames = z.strictObject({
  /** DNS names beside the SPIFFE id. */
  dns: z.array(z.string()).default([]),
  /** IP addresses beside the SPIFFE id. */
  ip: z.array(z.string()).default([]),
});

export const CaConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** The organisation that runs the suite and owns the shared authorities. Made at the first start. */
  operator: z.strictObject({
    /** Its id in requests and events. */
    organisation: z.string(),
    /** Its name, as certificates carry it in O. */
    name: z.string(),
    /** DNS names it may put in certificates of its own: "host.example" or "*.example". */
    allowedNames: z.array(z.string()).default([]),
    /** Networks whose addresses it may put in certificates of its own, in CIDR notation. */
    allowedNetworks: z.array(z.string()).default([]),
    /** Whom to ask. */
    adminContact: z.string().default(""),
  }),
  /** Directory with one YAML file for each profile. */
  profilesDir: z.string(),
  /** Where relying parties reach the ocsp service: begins the AIA and CDP addresses, which certificates carry for life. Plain http,
   *  because who checks a certificate cannot first check another one for that. */
  publicBaseUrl: z.string().regex(/^http:\/\/[^/]+(\/[^/]+)*$/, "http://host[:port][/path] without a slash at the end"),
  /** Arc below which a profile's `policy` number gives the OID of its certificate policy. */
  policyArc: z
    .string()
    .default(EXAMPLE_POLICY_ARC)
    .refine((arc) => isOid(arc), "not an object identifier")
    .refine((arc) => arc.split(".").every((number) => Number(number) < 2 ** 31), ARC_TOO_LARGE),
  /** File with fingerprints of keys that nobody may have certified: Debian's openssl-blacklist (CVE-2008-0166), leaked keys. Absent:
   *  none. The format is described at `parseKeyBlocklist` in libs/x509. */
  keyBlocklistFile: z.string().optional(),
  /** How far notBefore lies in the past, for peers whose clocks are behind. At most 1h. */
  backdate: duration("5m").refine((ms) => ms <= 3_600_000, "at most 1h"),
  /** What happens to a certificate that would outlive its issuer. */
  beyondIssuer: z.enum(["truncate", "refuse"]).default("truncate"),
  /** DNS names and addresses that services of the suite get beside their SPIFFE id, by service. */
  platformNames: z.record(z.string(), platformNames).default({}),
  crl: z
    .strictObject({
      /** How often a full list and a delta list are signed although nothing changed. */
      interval: duration("1h"),
      /** nextUpdate - thisUpdate of a full list: longer than three intervals, so that two may fail. */
      validity: duration("24h"),
      /** The same for authorities whose every signature needs custodians. */
      underQuorumValidity: duration("1y"),
      /** How long revocations are collected before a list is signed for them. */
      coalesce: duration("250ms"),
      /** A revocation is on a new full list at once while the list is shorter than this, beside the delta list, which is always new. */
      fullAtOnceBelow: z.int().min(0).default(2_000),
      /** How long a longer full list waits for revocations to gather; the delta list tells them meanwhile. */
      fullInterval: duration("15m"),
      /** Whether there are delta lists, by authority; `default` for those not named. Certificates say where they are, so switching them
       *  off leaves dead addresses behind. */
      deltas: z.record(z.string(), z.boolean()).default({ default: true }),
      /** nextUpdate - thisUpdate of a delta list: longer than three intervals as well. */
      deltaValidity: duration("6h"),
      /** Over how many lists the certificates of an authority are spread, by authority; `default` for those not named. Holds for what is
       *  issued from now on: a certificate names its list. */
      shards: z.record(z.string(), z.int().min(1).max(256)).default({ default: 1 }),
    })
    .prefault({})
    .refine(({ interval, validity }) => validity > 3 * interval, "validity is longer than three intervals")
    .refine(
      ({ interval, deltaValidity }) => deltaValidity > 3 * interval,
      "deltaValidity is longer than three intervals",
    ),
  /** How often approvals, unfinished issuances and due lists are looked after. */
  choresInterval: duration("1s"),
  /** How often expiry notices are given. */
  expiryInterval: duration("1m"),
});

export type CaConfig = z.output<typeof CaConfig>;

function isOid(text: string): boolean {
  try {
    encodeOid(text);
    return true;
  } catch (error) {
    if (error instanceof PkiError) return false;
    throw error;
  }
}

/** Throws CONFIG_INVALID. */
export function readKeyBlocklist({ keyBlocklistFile }: CaConfig): KeyBlocklist | undefined {
  if (keyBlocklistFile === undefined) return undefined;
  try {
    return parseKeyBlocklist(readFileSync(keyBlocklistFile, "utf8"));
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `${keyBlocklistFile} is not a key blocklist`, { cause });
  }
}

/** The profiles' directory; relative to the working directory, as the configuration's own path is. */
export const profilesDirectory = ({ profilesDir }: CaConfig): string => resolve(profilesDir);
