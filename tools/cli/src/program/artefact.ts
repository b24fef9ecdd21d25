import { type Command, Option } from "commander";
import { ARTEFACT_TYPES, MANIFEST_FILE, type ManifestOptions, writeManifest } from "../commands/manifest.ts";
import type { RunAlone } from "./run.ts";

export function addArtefactCommands(program: Command, alone: RunAlone): void {
  program
    .command("manifest")
    .description("write the list of a directory's files that would be signed; sha256sum -c reads it")
    .requiredOption("--directory <dir>", "the artefact")
    .requiredOption("--output <file>", `where it goes, such as ${MANIFEST_FILE}`)
    .addOption(new Option("--type <type>", "what it is").choices(ARTEFACT_TYPES).default("source_tree"))
    .option("--name <name>", "its name (default: the directory's)")
    .option("--artefact-version <version>", "its version")
    .option("--metadata <file>", "what else is to be signed: base model, datasets, evaluations, risk class; JSON")
    .option("--no-cache", "hash every file, also those that have not changed")
    .option("--force", "replace a file that exists")
    .action((options: ManifestOptions) => alone((output) => writeManifest(options, output)));
}
