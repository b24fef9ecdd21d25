import { PkiError } from "@vcc-pki/errors";
import { type Adapter, readAdapter } from "./contents/adapter.ts";
import { hashedOctets } from "./contents/hashed-octets.ts";
import { type VerifiedArtefact, type VerifyOptions, verifyArtefact } from "./verify-artefact.ts";

export interface LoadedArtefact {
  readonly verification: VerifiedArtefact & { readonly ok: true };
  /** Every file by its path: the very octets that were verified, in memory. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of a LoRA adapter: its configuration and tensors. */
  readonly adapter: Adapter | undefined;
}

/** More does not go into the memory of a loader; `verifyArtefact` with `copyTo` hands out any amount. */
const MAX_OCTETS = 8 * 1024 ** 3;

/** Loads an artefact into memory, verified: whatever happens to its files afterwards, these octets are what was signed. Throws ARTEFACT_REFUSED with
 *  the first verdict that does not hold, and what `verifyArtefact` throws. */
export async function loadVerified(
  path: string,
  options: Omit<VerifyOptions, "keep" | "copyTo" | "remember">,
): Promise<LoadedArtefact> {
  const verification = await verifyArtefact(path, { ...options, keep: true, maxOctets: MAX_OCTETS });
  if (!verification.ok) throw refusal(verification);
  const files = new Map(verification.files.map(({ path, octets }) => [path, octets as Uint8Array] as const));
  const isAdapter = verification.facts?.type === "lora_adapter";
  const adapter = isAdapter ? readAdapter(verification.files.map(hashedOctets)) : undefined;
  return { verification, files, adapter };
}

function refusal({ verdicts }: VerifiedArtefact): PkiError {
  const first = verdicts.find(({ ok }) => !ok);
  const { name = "", code = "", reason } = first ?? {};
  return new PkiError("ARTEFACT_REFUSED", reason?.en ?? "the artefact is refused", { details: { check: name, code } });
}
