import { type Overlooked, reasonIn } from "./overlooked.ts";

/** By judge: what it does with attestation objects, and the corruptions that it accepts for that. */
export const OVERLOOKED_ATTESTATIONS: Readonly<Record<string, Overlooked>> = {
  "pypi-attestations": {
    "leaves the predicate to its caller": ["a predicate that says something"],
    "takes the last of two names": ["a predicate twice"],
    "leaves time, purpose and identity to sigstore, which is not asked": [
      "a certificate that had expired",
      "a certificate for TLS",
      "another signer",
      "a signer of another organisation",
    ],
    "takes anything for the entries of a log": [
      "two time stamps",
      "a flipped bit in its time stamp",
      "the time stamp of another",
      "a time stamp by somebody else",
    ],
  },
};

/** Why this judge accepts this corrupted attestation; undefined: it has to refuse it. */
export const findOverlookedAttestation = (judge: string, what: string): string | undefined =>
  reasonIn(OVERLOOKED_ATTESTATIONS[judge], what);
