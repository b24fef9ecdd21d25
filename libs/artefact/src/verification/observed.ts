import { PkiError } from "@vcc-pki/errors";
import type { Check, HashAlgorithm } from "@vcc-pki/x509";
import { artefactDigest, type Digest, type Shape } from "../digest.ts";
import { canonicalResources, type Resource } from "../resources.ts";
import { canonicalShards, type Shards, shardsDigest } from "../shards.ts";

/** What is there: files that were hashed, whole or in shards, or a digest, when the caller has that alone. */
export type Observed = { readonly shape: Shape; readonly resources: readonly Resource[] } | Shards | ObservedDigest;

export interface ObservedDigest {
  readonly shape: "digest";
  readonly hash: HashAlgorithm;
  readonly digest: Uint8Array;
}

/** What is there as one digest; undefined when there is none, since there are no files or their names are not to be trusted. */
export function digestObserved(observed: Observed): { readonly checks: Check[]; readonly digest?: ObservedDigest } {
  if (observed.shape === "digest") return { checks: [], digest: observed };
  const name = "resource-names";
  const listed = "shards" in observed ? observed.shards : observed.resources;
  if (listed.length === 0) return { checks: [{ name, ok: true }] };
  try {
    const text =
      "shards" in observed
        ? shardsDigest(canonicalShards(observed))
        : artefactDigest(observed.shape, canonicalResources(observed.resources));
    const digest = Uint8Array.fromHex(text.slice("sha256:".length));
    return { checks: [{ name, ok: true }], digest: { shape: "digest", hash: "sha256", digest } };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return { checks: [{ name, ok: false, reason: `${error.message} ${JSON.stringify(error.details)}` }] };
  }
}

/** What recalls of what is there go by; undefined where there is no one digest of SHA-256. */
export function recalledAs(observed: Observed): Digest | undefined {
  const { digest } = digestObserved(observed);
  return digest && digestText(digest);
}

/** As artefacts are named; undefined when it is not of SHA-256. */
export const digestText = ({ hash, digest }: ObservedDigest): Digest | undefined =>
  hash === "sha256" ? `sha256:${digest.toHex()}` : undefined;
