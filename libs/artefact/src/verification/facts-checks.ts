import type { Certificate, Check } from "@vcc-pki/x509";
import type { Digest } from "../digest.ts";
import type { ArtefactFacts, ArtefactType } from "../facts.ts";
import { signerIdentity } from "./signer-trust.ts";
import type { TrustPolicy } from "./trust-policy.ts";
import type { VerdictName } from "./verdicts.ts";

/** What an artefact is to be used as. What is left out is not looked at. */
export interface Expected {
  readonly name?: string;
  readonly version?: string;
  /** The digest of the model that an adapter is to be loaded onto. */
  readonly baseModel?: Digest;
}

interface FactsQuestion {
  /** Undefined when the signer says nothing of the artefact. */
  readonly facts: ArtefactFacts | undefined;
  /** "untyped" when the signer does not say. */
  readonly type: ArtefactType | "untyped";
  /** Undefined when it was not found. */
  readonly signer: Certificate | undefined;
  readonly policy: TrustPolicy;
  readonly expected: Expected;
}

const RULES: readonly (readonly [VerdictName, (question: FactsQuestion) => string | undefined])[] = [
  [
    "organisation",
    ({ facts, signer, policy }) => {
      const organisation = signer && signerIdentity(signer)?.organisation;
      if (organisation !== policy.organisation) return `the signer is of ${organisation ?? "none"}`;
      return facts && facts.organisation !== policy.organisation ? `it is for ${facts.organisation}` : undefined;
    },
  ],
  ["artefact-type", ({ type, policy: { types } }) => (types.includes(type) ? undefined : `it is ${type}`)],
  [
    "risk-class",
    ({ facts, policy: { riskClasses } }) => {
      const riskClass = facts?.metadata.riskClass;
      const isAllowed = riskClasses === undefined || (riskClass !== undefined && riskClasses.includes(riskClass));
      return isAllowed ? undefined : `it is ${riskClass ?? "not said"}`;
    },
  ],
  [
    "expected-artefact",
    ({ facts, expected: { name = facts?.name, version = facts?.version } }) =>
      name === facts?.name && version === facts?.version
        ? undefined
        : `it is ${JSON.stringify([facts?.name, facts?.version])}`,
  ],
  [
    "base-model",
    ({ facts, expected: { baseModel } }) => {
      const made = facts?.metadata.baseModel?.digest;
      return baseModel === undefined || baseModel === made ? undefined : `it is for ${made ?? "none that it names"}`;
    },
  ],
];

/** Whether what is said of an artefact is what the policy allows and the caller expects. */
export const checkFactsAgainst = (question: FactsQuestion): Check[] =>
  RULES.map(([name, findFault]) => {
    if (name === "organisation" && question.signer === undefined) return { name, ok: false, isOpen: true };
    const reason = findFault(question);
    return reason === undefined ? { name, ok: true } : { name, ok: false, reason };
  });
