import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { ARTEFACT_TYPES, type ArtefactFacts, type ArtefactType, checkFacts, MANIFEST_FILE } from "@vcc-pki/artefact";
import { describeArtefact, type FlaggedFile } from "@vcc-pki/client";
import { reasonOf, requireAbsent, writeWhole } from "../files.ts";
import { hashingOf, sizeText } from "../hashing-progress.ts";
import type { Output } from "../session.ts";
import { fields } from "../table.ts";
import { UsageError } from "../usage.ts";

export interface FactsOptions {
  readonly type: ArtefactType;
  readonly name?: string;
  readonly artefactVersion?: string;
  /** A file of JSON. */
  readonly metadata?: string;
}

export interface ManifestOptions extends FactsOptions {
  readonly directory: string;
  readonly output: string;
  readonly cache: boolean;
  readonly force?: boolean;
}

export { ARTEFACT_TYPES, MANIFEST_FILE };

/** Writes the list of all files that would be signed, and with it what the artefact is. Signs nothing and asks nobody. */
export async function writeManifest(options: ManifestOptions, output: Output): Promise<void> {
  const { directory, force } = options;
  requireAbsent(options.output, force);
  const facts = factsOf(directory, options, output.settings.organisation);
  const { manifest, digest, resources, flagged, octets } = await hashingOf(directory, output, (onProgress) =>
    describeArtefact(directory, facts, {
      ...{ clock: output.io.clock, onProgress },
      remember: options.cache ? undefined : false,
    }),
  );
  writeWhole(options.output, manifest, { force });
  const told = { manifest: options.output, artefact_digest: digest, files: resources.length, octets, flagged };
  output.result(told, () =>
    fields([
      ["manifest", options.output],
      ["artefact", `${facts.type} ${facts.name}`],
      ["digest", digest],
      ["files", `${resources.length} (${sizeText(octets)})`],
    ]),
  );
  noteFlagged(flagged, output);
}

/** What the options say of the artefact at `path`. */
export function factsOf(path: string, options: FactsOptions, organisation: string): ArtefactFacts {
  const { type, name = basename(resolve(path)), artefactVersion: version } = options;
  return checkFacts({ type, name, version, organisation, metadata: metadataOf(options) });
}

/** Throws UsageError. */
export const metadataOf = ({ metadata }: Pick<FactsOptions, "metadata">): unknown =>
  metadata === undefined ? {} : readMetadata(metadata);

function readMetadata(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`cannot read metadata from ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

/** More of them say nothing more. */
const MAX_TOLD = 10;

/** What in a model may run is told, whatever the policy says of it. */
export function noteFlagged(flagged: readonly FlaggedFile[], output: Output): void {
  for (const { path, flag } of flagged.slice(0, MAX_TOLD)) output.note(`${path}: may run when it is loaded (${flag})`);
  if (flagged.length > MAX_TOLD) output.note(`and ${flagged.length - MAX_TOLD} more`);
}
