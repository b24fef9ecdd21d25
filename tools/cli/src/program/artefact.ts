import { type Command, Option } from "commander";
import { ARTEFACT_TYPES, MANIFEST_FILE, type ManifestOptions, writeManifest } from "../commands/manifest.ts";
import { type RecallOptions, recall, showLineage } from "../commands/recall.ts";
import { type SignOptions, signArtefact } from "../commands/sign.ts";
import { type SignDigestOptions, signDigest } from "../commands/sign-digest.ts";
import { type VerifyArtefactOptions, verify } from "../commands/verify-artefact.ts";
import { SIGNATURE_FORMATS } from "../signature-form.ts";
import { LANGUAGES } from "../verdict-words.ts";
import type { RunAlone, RunIn } from "./run.ts";
import { digest, duration, size } from "./values.ts";

type VerifyFlags = Omit<VerifyArtefactOptions, "online" | "graceMs"> & {
  readonly offline?: boolean;
  readonly grace: number;
};

export function addArtefactCommands(program: Command, inSession: RunIn, alone: RunAlone): void {
  program
    .command("sign")
    .description("have a package, a model or any files signed and time-stamped. Only digests are sent")
    .option("--package <path>", "a Python package: a directory, or one file")
    .option("--model <dir>", "a LoRA adapter, or the weights of a model")
    .option("--path <path>", "anything else, of the --type")
    .option("--digest <digest>", "a container's image, or what else is known by its digest alone: sha256:HEX", digest)
    .addOption(new Option("--type <type>", "what it is").choices(ARTEFACT_TYPES))
    .addOption(
      new Option("--format <format>", "CMS (SHA256SUMS.p7s), OpenSSF Model Signing, sigstore, or in-toto (PEP 740)")
        .choices(SIGNATURE_FORMATS)
        .default("cms"),
    )
    .option(
      "--shards <size>",
      "when a file is larger, hash all in shards of this size, such as 1GB (oms, sigstore)",
      size,
    )
    .option("--name <name>", "its name (default: that of its path)")
    .option("--artefact-version <version>", "its version")
    .option("--metadata <file>", "what else is to be signed: base model, datasets, evaluations, risk class; JSON")
    .option("--signer <signer>", "in whose name, see vcc-pki signer list")
    .option("--output <dir>", "make a signed copy in there, of exactly the octets that were hashed")
    .option("--signature <file>", "where the signature of a --digest goes")
    .option("--request-id <id>", "of an attempt that got no answer: its signature is fetched")
    .option("--no-cache", "hash every file, also those that have not changed")
    .option("--force", "replace a signature that exists")
    .action(({ digest, ...options }: SignOptions & Partial<SignDigestOptions>) =>
      inSession((session) =>
        digest === undefined ? signArtefact(options, session) : signDigest({ ...options, digest }, session),
      ),
    );
  program
    .command("recall")
    .description("have artefacts not used any more, and all that was made from them; shows which, and asks")
    .argument("[artefact]", "its digest, or where it lies with its signature")
    .option("--signer <signer>", "all that it has signed")
    .option("--since <time>", "of --signer: from then on, RFC 3339")
    .option("--dataset <name>", "all that was made from it; its name or digest")
    .requiredOption("--reason <text>", "for people")
    .option("--dry-run", "only show which")
    .option("--yes", "do not ask")
    .option("--request-id <id>", "of an attempt that got no answer")
    .action((artefact: string | undefined, options: RecallOptions) =>
      inSession((session) => recall(artefact, options, session)),
    );
  program
    .command("lineage")
    .description("draw what an artefact was made from, and what was made from it")
    .argument("<artefact>", "its digest, or where it lies with its signature")
    .action((artefact: string) => inSession((session) => showLineage(artefact, session)));
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
  program
    .command("verify")
    .description("whether an artefact may be used: every check by its name (exit code 0, or 3 when one fails)")
    .option("--package <path>", "a directory or a file, with its signature in or beside it")
    .option("--model <path>", "the same, and only a model or an adapter will do")
    .option("--digest <digest>", "what is known by its digest alone, with its --signature: sha256:HEX", digest)
    .option("--trust-policy <file>", "whom to believe what, YAML (default: a local suite's code signing authority)")
    .option("--trust <file>", "the only roots to trust, PEM, with bundle.pem beside it (default: --ca)")
    .option("--signature <file>", "what vouches for it, when that lies elsewhere")
    .option("--copy-to <dir>", "make a directory of exactly the octets that were verified; none when a check fails")
    .option("--base-model <digest>", "the model that an adapter will be loaded onto, as sha256:HEX", digest)
    .addOption(new Option("--lang <language>", "of the reasons").choices(LANGUAGES).default("en"))
    .option(
      "--recalls <url>",
      "where the recall lists are (default: a local suite's): what none is known about is refused",
    )
    .option("--offline", "ask nobody about revocation: what was said before is all that is known")
    .option("--grace <duration>", "how long statements count beyond their time when nobody can be reached", duration, 0)
    .option("--no-cache", "hash every file, also those that have not changed")
    .action(({ offline, grace, ...options }: VerifyFlags) =>
      alone((output) => verify({ ...options, online: !offline, graceMs: grace }, output)),
    );
}
