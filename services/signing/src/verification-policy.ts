import { hash } from "node:crypto";
import { ARTEFACT_TYPES, RISK_CLASSES, type TrustPolicy } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "@vcc-pki/x509";
import { z } from "zod";
import { readYaml } from "./yaml-file.ts";

const policyName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens");

const VerificationPolicy = z.strictObject({
  /** The authorities that issue to signers, by their ids at the ca. */
  issuers: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "the id of an authority")).min(1),
  /** Whose artefacts. Absent: the requester's own organisation. */
  organisation: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/)
    .optional(),
  /** The services of this organisation that may sign; "*": any. */
  signers: z
    .array(z.string().regex(/^(\*|[a-z0-9][a-z0-9._-]{0,62})$/, "a service, or *"))
    .min(1)
    .default(["*"]),
  /** As in the trust policies of relying parties: libs/artefact/src/verification/trust-policy.ts. */
  types: z.array(z.enum([...ARTEFACT_TYPES, "untyped"])).min(1),
  riskClasses: z.array(z.enum(RISK_CLASSES)).min(1).optional(),
  timeStampPolicies: z
    .array(z.string().regex(/^[0-2](\.(0|[1-9]\d*))+$/))
    .min(1)
    .optional(),
  revocation: z.enum(["required", "where-known"]).default("required"),
});

const VerificationPolicyFile = z.strictObject({ policies: z.record(policyName, VerificationPolicy) });

/** Who asks, and what the policy does not know by itself. */
export interface PolicyContext {
  /** The requester's organisation. */
  readonly organisation: string;
  readonly trustDomain: string;
  /** The suite's authorities by id. */
  readonly authorities: ReadonlyMap<string, Certificate>;
}

/** Whom the service believes what, by the policy's name. */
export class VerificationPolicies {
  readonly #policies: z.output<typeof VerificationPolicyFile>["policies"];

  constructor(policies: z.output<typeof VerificationPolicyFile>["policies"]) {
    this.#policies = policies;
  }

  /** As a relying party has it written down. Recalls are known here, so that it does not say whether they have to be. Throws NOT_FOUND. */
  get(name: string, { organisation: own, trustDomain, authorities }: PolicyContext): TrustPolicy {
    const policy = Object.hasOwn(this.#policies, name) ? this.#policies[name] : undefined;
    if (policy === undefined) throw new PkiError("NOT_FOUND", "no such policy");
    const { issuers, signers, organisation = own, ...rest } = policy;
    return {
      ...{ ...rest, organisation, recall: "required" },
      issuers: issuers.flatMap((id) => {
        const authority = authorities.get(id);
        return authority === undefined ? [] : [`sha256:${hash("sha256", authority.spkiDer)}` as const];
      }),
      identities: signers.map((signer) => `spiffe://${trustDomain}/org/${organisation}/service/${signer}`),
    };
  }
}

/** Throws CONFIG_INVALID, naming the file. */
export const readVerificationPolicies = (file: string): VerificationPolicies =>
  new VerificationPolicies(readYaml(file, VerificationPolicyFile).policies);
