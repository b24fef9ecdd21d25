import { PkiError } from "@vcc-pki/errors";
import type { Check } from "@vcc-pki/x509";
import { artefactDigest } from "../digest.ts";
import { parseManifest } from "../manifest.ts";
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
  if ("resources" in signed && observed.shape !== "digest") {
    return [shape, ...compareResources(signed.resources, observed.resources)];
  }
  const { digest } = digestObserved(observed);
  const is = digest && digestText(digest);
  const was = "digest" in signed ? signed.digest : artefactDigest(signed.shape, signed.resources);
  return [shape, { name: "resources-changed", ok: is === was }];
}
