import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import type { CallContext } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import type { KubernetesIssuer } from "./config.ts";
import type { Enrol, EnrolledIdentity } from "./enrol.ts";
import type { Registry } from "./registry.ts";
import { readRequestedIdentity, requireAdmitted } from "./requested-identity.ts";
import { isApproved, type ServiceKey } from "./service-record.ts";
import type { Attestation } from "./store/enrolments.ts";

export interface KubernetesOptions {
  readonly issuers: readonly KubernetesIssuer[];
  readonly registry: Registry;
  readonly enrol: Enrol;
  readonly clock: Clock;
  readonly trustDomain: string;
}

/** What Kubernetes puts into a bound service account token (TokenRequest API). */
const Claims = z.object({
  iss: z.string(),
  sub: z.string().max(600),
  iat: z.number(),
  exp: z.number(),
  "kubernetes.io": z.object({
    namespace: z.string(),
    serviceaccount: z.object({ name: z.string(), uid: z.string() }),
    /** A token that is bound to no pod lies in a Secret and lives for ever. */
    pod: z.object({ name: z.string(), uid: z.string() }),
  }),
});

const MAX_TOKEN = 16 * 1024;
/** What the API server signs with. No MAC, and no "none". */
const ALGORITHMS = ["RS256", "ES256", "ES384"];
/** Between its clock and ours, in seconds. */
const CLOCK_TOLERANCE = 30;

const refused = (message: string, cause?: unknown): PkiError => new PkiError("ENROLMENT_REFUSED", message, { cause });

/** Pods enrol by their projected service account token: configuration says which service account is which service, and an administrator has approved
 *  the service. A token may be shown again while it lives; it gives nothing but that one service's identity. */
export class Kubernetes {
  readonly #options: KubernetesOptions;
  readonly #keys: ReadonlyMap<string, JWTVerifyGetKey>;

  /** Throws CONFIG_INVALID for a file of keys that is none. */
  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.#keys = new Map(options.issuers.map((each) => [each.issuer, readIssuerKeys(each)]));
  }

  /** Throws ENROLMENT_REFUSED, PEER_UNAVAILABLE while the issuer's keys cannot be had, and as `readRequestedIdentity`. */
  async enrol(
    token: string,
    csrDer: Uint8Array,
    request: Omit<Attestation, "attestor">,
    context: CallContext,
  ): Promise<EnrolledIdentity> {
    const { key, subject } = await this.#attest(token);
    const { registry, trustDomain, enrol } = this.#options;
    const record = registry.find(key);
    if (record === undefined || !isApproved(record)) throw refused("this service is not approved");
    const attestation = { attestor: `kubernetes ${subject}`, ...request };
    if (enrol.find(attestation) === undefined)
      requireAdmitted(await readRequestedIdentity(csrDer, key, trustDomain), record);
    return enrol.run(attestation, { ...key, profile: record.profile, csrDer }, context);
  }

  async #attest(token: string): Promise<{ key: ServiceKey; subject: string }> {
    const issuer = this.#options.issuers.find((each) => each.issuer === unverifiedIssuer(token));
    const keys = issuer && this.#keys.get(issuer.issuer);
    if (issuer === undefined || keys === undefined) throw refused("no such issuer of service account tokens");
    const claims = Claims.safeParse(await this.#verify(token, keys, issuer));
    if (!claims.success) throw refused("not a service account token that is bound to a pod");
    const { iat, exp, sub, "kubernetes.io": bound } = claims.data;
    if ((exp - iat) * 1_000 > issuer.maxLife) throw refused("this token lives too long");
    const { namespace, serviceaccount } = bound;
    const binding = issuer.bindings.find(
      (each) => each.namespace === namespace && each.serviceAccount === serviceaccount.name,
    );
    if (binding === undefined || sub !== `system:serviceaccount:${namespace}:${serviceaccount.name}`)
      throw refused("this service account is no service");
    const { organisation, service } = binding;
    return { key: { organisation, service }, subject: `${issuer.issuer} ${sub} ${bound.pod.uid}` };
  }

  async #verify(token: string, keys: JWTVerifyGetKey, { issuer, audience }: KubernetesIssuer): Promise<unknown> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...{ issuer, audience, algorithms: ALGORITHMS, currentDate: this.#options.clock.now() },
        ...{ clockTolerance: CLOCK_TOLERANCE, requiredClaims: ["exp", "iat", "sub"] },
      });
      return payload;
    } catch (cause) {
      if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError))
        throw new PkiError("PEER_UNAVAILABLE", "the keys of this issuer cannot be had", { cause });
      throw refused("this service account token is not valid", cause);
    }
  }
}

/** What a token says of itself: it only chooses whose keys it is held against. */
function unverifiedIssuer(token: string): string | undefined {
  if (token.length > MAX_TOKEN) throw refused("this token is too long");
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")).iss;
  } catch {
    throw refused("not a JSON Web Token");
  }
}

/** Throws CONFIG_INVALID for a file of keys that is none. */
export function readIssuerKeys({ jwksFile, jwksUrl }: Pick<KubernetesIssuer, "jwksFile" | "jwksUrl">): JWTVerifyGetKey {
  if (jwksUrl !== undefined) return createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 3_000 });
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(jwksFile ?? "", "utf8")));
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read the keys in ${jwksFile}`, { cause });
  }
}
