import { PkiError } from "@vcc-pki/errors";
import type { Check } from "@vcc-pki/x509";
import { artefactDigest, type Digest } from "../digest.ts";
import { parseManifest } from "../manifest.ts";
import { namedShards, shardsDigest } from "../shards.ts";
import { parseStatement, type Statement } from "../statement/statement.ts";
import { compareResources } from "./compare-resources.ts";
import { digestObserved, digestText, type Observed } from "./observed.ts";

/** What a signature is over. The payload of a bundle that cannot be read is undefined. */
export type SignedOctets =
  | { readonly form: "manifest"; readonly octets: Uint8Array }
  | { readonly form: "payload"; readonly octets: Uint8Array | undefined }
  | { readonly form: "digest" };

/** Reads what was signed; of a bare digest there is nothing that says what it is. */
export function readSigned(signed: SignedOctets): {
  readonly statement: Statement | "untyped" | undefined;
  readonly checks: readonly Check[];
} {
  if (signed.form === "digest") return { statement: "untyped", checks: [] };
  if (signed.octets === undefined) return { statement: undefined, checks: [] };
  try {
    const statement = signed.form === "manifest" ? parseManifest(signed.octets) : parseStatement(signed.octets);
    return { statement, checks: [{ name: "statement", ok: true }] };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return { statement: undefined, checks: [{ name: "statement", ok: false, reason: error.message }] };
  }
}

/** Whether what is there is what was signed: every file, or the digest where one of the two has that alone. */
export function compareWithSigned(signed: Statement, observed: Observed): Check[] {
  const isOfShape = [observed.shape, "digest"].includes(signed.shape) || observed.shape === "digest";
  const shape: Check = { name: "shape", ok: isOfShape };
  if ("resources" in signed && "resources" in observed) {
    return [shape, ...compareResources(signed.resources, observed.resources)];
  }
  if ("shards" in signed && "shards" in observed && signed.shardOctets === observed.shardOctets) {
    return [shape, ...compareResources(namedShards(signed.shards), namedShards(observed.shards))];
  }
  const { digest } = digestObserved(observed);
  const is = digest && digestText(digest);
  return [shape, { name: "resources-changed", ok: is === statementDigest(signed) }];
}

/** What the artefact is called in lineage and recalls. Files that were hashed in another way have another digest. */
export function statementDigest(signed: Statement): Digest {
  if ("digest" in signed) return signed.digest;
  return "shards" in signed ? shardsDigest(signed) : artefactDigest(signed.shape, signed.resources);
}
