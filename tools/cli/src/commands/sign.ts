import { existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type ArtefactFacts, type ArtefactType, SIGNATURE_FILES } from "@vcc-pki/artefact";
import {
  type DescribedArtefact,
  type DescribedShards,
  describeArtefact,
  describeInShards,
  walkTree,
} from "@vcc-pki/client";
import type { ArtefactToSign, Signature } from "@vcc-pki/gateway/api";
import { requireAbsent, writeWhole } from "../files.ts";
import { hashingOf, sizeText } from "../hashing-progress.ts";
import { askToSign, tellSigned } from "../own-signature.ts";
import type { Session } from "../session.ts";
import { type SignatureFormat, signatureForm } from "../signature-form.ts";
import { UsageError } from "../usage.ts";
import { type FactsOptions, factsOf, noteFlagged } from "./manifest.ts";

export interface SignOptions extends Omit<FactsOptions, "type"> {
  readonly package?: string;
  readonly model?: string;
  readonly path?: string;
  readonly type?: ArtefactType;
  readonly format: SignatureFormat;
  /** Octets. When a file has more, all are hashed in shards of so many. */
  readonly shards?: number;
  readonly signer?: string;
  /** A directory in which a signed copy is made, instead of signing it where it is. */
  readonly output?: string;
  readonly requestId?: string;
  readonly cache: boolean;
  readonly force?: boolean;
}

/** Has an artefact signed. Its files are hashed here and stay here; what comes back is believed only when it is about these files, and when
 *  it holds as a relying party sees it. */
export async function signArtefact(options: SignOptions, session: Session): Promise<void> {
  const { path, type } = whatToSign(options);
  const { signer, requestId } = options;
  const copyTo = options.output && join(options.output, basename(resolve(path)));
  const facts = factsOf(path, { ...options, type }, session.settings.organisation);
  const isDirectory = isDirectoryAt(path);
  const form = signatureForm(options.format, { path: resolve(path), isDirectory, facts });
  const directory = isDirectory ? path : dirname(path);
  if (copyTo === undefined) for (const name of form.files) requireAbsent(join(directory, name), options.force);
  else mkdirSync(options.output ?? ".", { recursive: true });
  const described = await describe({ ...options, path, facts, copyTo }, session);
  try {
    const content = "shards" in described ? described.statement : form.content({ facts, ...described });
    const { signature, octets } = await askToSign(
      { body: bodyOf(described, facts), format: form.format, content, observed: described, type, signer, requestId },
      session,
    );
    for (const [at, name] of form.files.entries()) {
      const written = octets[at] ?? new Uint8Array();
      if (described.copy) described.copy.write(name, written);
      else writeWhole(join(directory, name), written, { force: options.force });
    }
    described.copy?.commit();
    tell(signature, { path: copyTo ?? path, described }, session);
  } catch (error) {
    described.copy?.discard();
    throw error;
  }
}

function whatToSign(options: SignOptions): { readonly path: string; readonly type: ArtefactType } {
  const given = [options.package, options.model, options.path].filter((path) => path !== undefined);
  const [path, second] = given;
  if (path === undefined || second !== undefined)
    throw new UsageError("name one of --package, --model, --path and --digest");
  if (options.type !== undefined) return { path, type: options.type };
  if (options.package !== undefined) return { path, type: "python_package" };
  if (options.model === undefined) throw new UsageError("--path needs --type");
  return { path, type: existsSync(join(path, "adapter_config.json")) ? "lora_adapter" : "model_weights" };
}

function isDirectoryAt(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`there is nothing at ${path}`);
  return stats.isDirectory();
}

type Described = DescribedArtefact | DescribedShards;

/** Hashes it: files whole, or all in shards when one of them is large. */
function describe(
  {
    path,
    facts,
    copyTo,
    cache,
    format,
    shards,
  }: SignOptions & { readonly path: string; readonly facts: ArtefactFacts; readonly copyTo: string | undefined },
  session: Session,
): Promise<Described> {
  if (shards !== undefined && format !== "oms" && format !== "sigstore")
    throw new UsageError("--shards goes with --format oms and sigstore: the others list whole files");
  const isLarge = shards !== undefined && walkTree(path, SIGNATURE_FILES).files.some(({ size }) => size > shards);
  return hashingOf(path, session, (onProgress): Promise<Described> => {
    const options = { clock: session.io.clock, onProgress, copyTo, remember: cache ? undefined : (false as const) };
    if (!isLarge) return describeArtefact(path, facts, options);
    return describeInShards(path, facts, { ...options, shardOctets: shards });
  });
}

function bodyOf(described: Described, { name, version, metadata }: ArtefactFacts): ArtefactToSign {
  const about = { shape: described.shape, name, version, metadata };
  if ("resources" in described)
    return { ...about, files: described.resources.map(({ path, sha256Hex: sha256 }) => ({ path, sha256 })) };
  const files = described.shards.map(({ path, sha256Hex: sha256, ...shard }) => ({ path, sha256, shard }));
  return { ...about, files, shard_octets: described.shardOctets };
}

function tell(
  signature: Signature,
  { path, described }: { readonly path: string; readonly described: Described },
  session: Session,
): void {
  const { octets, flagged } = described;
  const listed = "resources" in described ? described.resources : described.shards;
  const files = new Set(listed.map((resource) => resource.path)).size;
  const shards = "shards" in described ? `, in ${listed.length} shards` : "";
  tellSigned(signature, { path, more: { files, octets, flagged } }, session, [
    ["files", `${files} (${sizeText(octets)}${shards})`],
  ]);
  noteFlagged(flagged, session);
}
