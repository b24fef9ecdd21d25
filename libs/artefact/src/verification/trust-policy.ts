import { PkiError } from "@vcc-pki/errors";
import { z } from "zod";
import { isDigest } from "../digest.ts";
import { ARTEFACT_TYPES, RISK_CLASSES } from "../facts.ts";

/** An identity, of which "*" stands for one whole part. */
const IDENTITY_PATTERN = /^spiffe:\/\/[a-z0-9.-]+(\/([a-z0-9][a-z0-9._-]*|\*))+$/;

/** Whom a relying party believes what. There is no default: who verifies without saying this verifies nothing. Unknown keys are refused. */
export const TrustPolicy = z.strictObject({
  /** The authorities that issue to signers: `sha256:` and the hash of their SubjectPublicKeyInfo, in hex. A trusted root alone is not enough, since
   *  others are certified under it as well. */
  issuers: z.array(z.string().refine(isDigest, "sha256: and 64 lower-case hex digits")).min(1),
  /** Who may sign: the URI in the signer's certificate. "*" stands for one part of it, never for several. */
  identities: z.array(z.string().max(512).regex(IDENTITY_PATTERN, "spiffe://domain/part/part, a part may be *")).min(1),
  /** Whose artefacts: the signer's organisation, and the one that the artefact says it is for. */
  organisation: z.string().regex(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/),
  /** "untyped" is a bare digest, whose signer does not say what it is of. */
  types: z.array(z.enum([...ARTEFACT_TYPES, "untyped"])).min(1),
  /** Risk classes of the AI Act; an artefact without one is refused then. Absent: not looked at. */
  riskClasses: z.array(z.enum(RISK_CLASSES)).min(1).optional(),
  /** Policies of time stamps, dotted; absent: any. */
  timeStampPolicies: z
    .array(z.string().regex(/^[0-2](\.(0|[1-9]\d*))+$/))
    .min(1)
    .optional(),
  /** Whether nothing is accepted of which it is not known that the signer's certificate was not revoked. */
  revocation: z.enum(["required", "where-known"]).default("required"),
  /** The same of recalls of the artefact. A list that is brought has to count either way. Absent: required by whoever knows where the lists are
   *  (`libs/client`). Where it is not required, and not known, a check says so. */
  recall: z.enum(["required", "where-known"]).optional(),
});

export type TrustPolicy = z.output<typeof TrustPolicy>;

/** Takes what was read from a file for a policy. Throws CONFIG_INVALID. */
export function parseTrustPolicy(value: unknown): TrustPolicy {
  const parsed = TrustPolicy.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PkiError("CONFIG_INVALID", `not a trust policy: ${z.prettifyError(parsed.error)}`);
}

/** True if a URI fits a pattern, part by part. */
export function matchesIdentity(pattern: string, uri: string): boolean {
  const wanted = pattern.split("/");
  const parts = uri.split("/");
  return wanted.length === parts.length && wanted.every((part, i) => part === parts[i] || (part === "*" && i > 2));
}
