import { BUNDLE_CORRUPTIONS } from "@vcc-pki/artefact/bundle-corruptions";
import { type Overlooked, reasonIn } from "./overlooked.ts";

const TIME_STAMPS = BUNDLE_CORRUPTIONS.filter(({ what }) => what.includes("time stamp")).map(({ what }) => what);
const FACTS = ["facts for another organisation", "another type of artefact"];
const FILES = ["a changed file", "a missing file", "a further file", "a renamed file", "a changed last shard"];

/** By judge: what it does with bundles, and the corruptions that it accepts for that. */
export const OVERLOOKED_BUNDLES: Readonly<Record<string, Overlooked>> = {
  model_signing: {
    "takes the last of two names": ["a fact twice", "a predicate twice"],
    "takes the first of several signatures": ["two signatures"],
    "takes whomever was certified under the root": [
      "another authority under the same root",
      "another signer",
      "a signer of another organisation",
      "a certificate for TLS",
    ],
    "takes the time from the certificate": ["a certificate that had expired", "a certificate that was not valid yet"],
    "knows no time stamps": TIME_STAMPS,
    "does not know our facts": FACTS,
    "sees no empty files where it hashes shards": ["a further empty file"],
  },
  securesystemslib: {
    "looks at the signature alone": [
      ...["a payload of another type", "a fact twice", "a predicate twice", "another predicate"],
      ...["another digest than its files", "a path upwards", "files in another order", ...FACTS, ...FILES],
      "a further empty file",
    ],
    "does not look at who certified the key": [
      ...["another authority under the same root", "an authority under another root", "a certificate for TLS"],
      ...["a certificate that had expired", "a certificate that was not valid yet", "another signer"],
      "a signer of another organisation",
    ],
    "knows no time stamps": TIME_STAMPS,
  },
};

/** Why this judge accepts this corrupted bundle; undefined: it has to refuse it. */
export const findOverlookedBundle = (judge: string, what: string): string | undefined =>
  reasonIn(OVERLOOKED_BUNDLES[judge], what);
