import type { ArtefactType } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { HashedFile } from "../hashing/hash-tree.ts";
import { readAdapter, readWeights } from "./adapter.ts";
import type { FlaggedFile } from "./flags.ts";
import { hashedOctets } from "./hashed-octets.ts";

/** Types whose loading must run nothing. */
const MODELS: ReadonlySet<ArtefactType> = new Set(["lora_adapter", "model_weights"]);

/** Why an artefact of this type must not be loaded, though its signature may be right: the files of a model that may run, and what in an
 *  adapter or a safetensors file is not whole. Undefined: nothing. */
export function findContentsFault(
  type: ArtefactType,
  files: readonly HashedFile[],
  flagged: readonly FlaggedFile[],
): PkiError | undefined {
  if (!MODELS.has(type)) return undefined;
  const [first] = flagged;
  if (first !== undefined) {
    return new PkiError("CONTENTS_NOT_ALLOWED", `${first.path} may run when it is loaded (${first.flag})`, {
      details: { file: first.path, flag: first.flag },
    });
  }
  try {
    const octets = files.map(hashedOctets);
    if (type === "lora_adapter") readAdapter(octets);
    else for (const file of octets) if (file.path.endsWith(".safetensors")) readWeights(file);
    return undefined;
  } catch (error) {
    if (error instanceof PkiError) return error;
    throw error;
  }
}
