import type { ArtefactType, VerdictName } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { Check } from "@vcc-pki/x509";
import type { HashedFile } from "../hashing/hash-tree.ts";
import { readAdapter, readWeights } from "./adapter.ts";
import type { FlaggedFile } from "./flags.ts";
import { hashedOctets } from "./hashed-octets.ts";

const MODELS: ReadonlySet<string> = new Set<ArtefactType>(["lora_adapter", "model_weights"]);

/** Whether loading an artefact of this type must run nothing. Code in others is what they are for. */
export const isModel = (type: string): boolean => MODELS.has(type);

/** Whether a model may be loaded, though its signature may be right: no file of it may run, and what is in an adapter or a safetensors
 *  file is whole. Of other types nothing is asked. */
export function checkContents(
  type: ArtefactType,
  files: readonly HashedFile[],
  flagged: readonly FlaggedFile[],
): Check[] {
  if (!isModel(type)) return [];
  const running = flagged.map(({ path, flag }) => `${JSON.stringify(path)} (${flag})`).slice(0, MAX_NAMED);
  return [
    outcome("contents-inert", running.length === 0 ? undefined : running.join(", ")),
    outcome("contents-sound", findMalformed(type, files)),
  ];
}

const MAX_NAMED = 10;

const outcome = (name: VerdictName, reason: string | undefined): Check =>
  reason === undefined ? { name, ok: true } : { name, ok: false, reason };

function findMalformed(type: ArtefactType, files: readonly HashedFile[]): string | undefined {
  const octets = files.map(hashedOctets);
  try {
    if (type === "lora_adapter") readAdapter(octets);
    else for (const file of octets) if (file.path.endsWith(".safetensors")) readWeights(file);
    return undefined;
  } catch (error) {
    if (error instanceof PkiError && error.code === "FILE_MALFORMED") return error.message;
    throw error;
  }
}
