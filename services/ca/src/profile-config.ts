import { Duration } from "@vcc-pki/service";
import { isKeyAlgorithmId } from "@vcc-pki/x509";
import { z } from "zod";

const DAY_MS = 86_400_000;

/** RFC 9608 and the CA/Browser Forum let a certificate go without revocation information when it lives this short. */
export const SHORT_LIVED_MS = 7 * DAY_MS;

/** Key purposes by the names of RFC 5280 section 4.2.1.12, and RFC 6960 for OCSPSigning. */
export const KEY_PURPOSE_OIDS = {
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  OCSPSigning: "1.3.6.1.5.5.7.3.9",
} as const;

export type KeyPurposeName = keyof typeof KEY_PURPOSE_OIDS;

const purposes = Object.keys(KEY_PURPOSE_OIDS) as [KeyPurposeName, ...KeyPurposeName[]];

const keyAlgorithm = z.string().refine((id) => id === "rsa" || (isKeyAlgorithmId(id) && !id.startsWith("rsa-")), {
  error: 'a key algorithm such as "ec-p256", or "rsa" for every size from minimumRsaBits on',
});

/** Who may ask: an administrator of the organisation (by its own certificate or by membership), only one by its own
 *  certificate, an administrator of the operator with a membership, a workload renewing what it holds, the discovery service for a
 *  workload that an administrator has granted it, any service of the suite, or one service of the suite. */
const requester = z.union([
  z.enum(["admin", "home-admin", "operator-admin", "workload", "granted", "suite"]),
  z.templateLiteral(["suite:", z.string().regex(/^[a-z][a-z-]*$/)]),
]);

export type RequesterRule = z.infer<typeof requester>;

const dnsNames = z.strictObject({
  /** How many there must be at least. */
  minimum: z.int().min(0).default(0),
  /** How many there may be. */
  maximum: z.int().min(1).max(1000).default(100),
  /** Patterns of which each name must match one, e.g. "${service_name}.vcc.internal". Absent: whatever the organisation may use. */
  patterns: z.array(z.string()).min(1).optional(),
  /** Whether "*.example.org" is admitted, in the left-most label. */
  wildcards: z.boolean().default(false),
  /** Whether labels beginning "xn--" are admitted: they can look like other names. */
  internationalised: z.boolean().default(false),
});

const counted = z.strictObject({
  /** How many there may be. */
  maximum: z.int().min(1).max(1000).default(100),
});

const uris = z.strictObject({
  /** Which SPIFFE id: of a workload of the organisation, of one of its administrators, or of the requesting suite service itself. */
  kind: z.enum(["workload", "admin", "suite"]),
  /** Whether there must be one. There is never more than one. */
  required: z.boolean().default(false),
});

const names = z.strictObject({
  /** DNS names. Absent: none, and so for the others. */
  dns: dnsNames.optional(),
  /** IP addresses, inside the organisation's networks. */
  ip: counted.optional(),
  /** E-mail addresses at the organisation's names. */
  email: counted.optional(),
  /** One SPIFFE id. */
  uri: uris.optional(),
  /** Whether names stand in the certificate. False for OCSP responders: they speak for an authority, so the subject is in the authority's
   *  own organisation and no other name is there that a partner's name constraints could forbid. Then a request needs no names. */
  certified: z.boolean().default(true),
});

/** One file of `deploy/profiles`. */
export const ProfileConfig = z
  .strictObject({
    /** Its name in requests, equal to the file's. */
    profile: z.string().regex(/^[a-z][a-z0-9_]{1,62}$/),
    /** One sentence for people. */
    description: z.string().min(1),
    /** The authority that issues it unless a request names another. Absent: the organisation's own, or the one named. */
    authority: z.string().optional(),
    /** Who may ask for it. */
    requesters: z.array(requester).min(1),
    /** notAfter - notBefore, both inclusive. A request may ask for less, never for more. */
    validity: Duration,
    /** How long before notAfter a renewal is due. */
    renewalThreshold: Duration,
    /** Whether the suite renews without being asked. */
    autoRenewal: z.boolean(),
    /** Whether the replaced certificate is kept for those who verify old signatures. */
    archiveOnRenewal: z.boolean().default(false),
    /** Keys a request may carry. */
    keyAlgorithms: z.array(keyAlgorithm).min(1),
    /** Smallest RSA modulus. BSI TR-02102-1: 3000 bits and more. Below 3072 the service warns at start. */
    minimumRsaBits: z.int().min(2048).default(3072),
    /** Key usage of every certificate. */
    keyUsage: z
      .array(z.enum(["digitalSignature", "nonRepudiation"]))
      .min(1)
      .default(["digitalSignature"]),
    /** Key usage added when the key is RSA. */
    keyUsageRsa: z.array(z.enum(["keyEncipherment"])).default([]),
    /** Extended key usage. */
    extendedKeyUsage: z.array(z.enum(purposes)).min(1),
    /** Whether extKeyUsage is critical; RFC 3161 section 2.3 wants it so for timeStamping. */
    extendedKeyUsageCritical: z.boolean().default(false),
    /** Subject alternative names. */
    names,
    /** Number below the configured policyArc that names the assurance level in certificatePolicies. */
    policy: z.int().min(1),
    /** How a relying party learns of revocation: CRL and OCSP, not at all because the life is short (RFC 9608), or not at all
     *  because it is an OCSP responder (RFC 6960 section 4.2.2.2.1). */
    status: z.enum(["crl-and-ocsp", "no-rev-avail", "ocsp-no-check"]).default("crl-and-ocsp"),
    /** Until when a revoked certificate stays on the CRL. Signatures outlive certificates: "forever" for those who sign. */
    revokedStays: z.enum(["until-expiry", "forever"]).default("until-expiry"),
    /** Whether a certificate may be put on hold, which can be ended again; any other revocation is for good. */
    holdAllowed: z.boolean().default(false),
    /** How long the private key signs, from notBefore (RFC 3280 section 4.2.1.4, EN 319 421). Absent: as long as the certificate. */
    privateKeyUsage: Duration.optional(),
  })
  .superRefine((profile, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    const short = profile.validity <= SHORT_LIVED_MS;
    const responder = profile.extendedKeyUsage.includes("OCSPSigning");
    if (short && profile.status === "crl-and-ocsp") refuse("status", "a life of 7 days or less uses no-rev-avail");
    if (!short && profile.status === "no-rev-avail") refuse("status", "no-rev-avail is for a life of 7 days or less");
    if (responder !== (profile.status === "ocsp-no-check"))
      refuse("status", "ocsp-no-check is for OCSP responders alone");
    if (responder && profile.validity > 30 * DAY_MS) refuse("validity", "an OCSP responder lives 30 days at most");
    if (profile.renewalThreshold >= profile.validity) refuse("renewalThreshold", "shorter than validity");
    if (profile.privateKeyUsage !== undefined && profile.privateKeyUsage >= profile.validity)
      refuse("privateKeyUsage", "shorter than validity");
    for (const alone of ["timeStamping", "OCSPSigning", "codeSigning"] as const) {
      if (profile.extendedKeyUsage.includes(alone) && profile.extendedKeyUsage.length > 1)
        refuse("extendedKeyUsage", `${alone} stands alone`);
    }
    if (profile.extendedKeyUsage.includes("timeStamping") && !profile.extendedKeyUsageCritical)
      refuse("extendedKeyUsageCritical", "timeStamping is critical (RFC 3161 section 2.3)");
    if (profile.names.certified === responder) refuse("names", "not certified for OCSP responders, and for them alone");
    const { dns, ip, email, uri } = profile.names;
    if (!responder && !(dns || ip || email || uri)) refuse("names", "at least one kind of name");
  });

export type ProfileConfig = z.output<typeof ProfileConfig>;
