import { existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ArtefactFacts, ArtefactType } from "@vcc-pki/artefact";
import { type DescribedArtefact, describeArtefact } from "@vcc-pki/client";
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
  const described = await hashingOf(path, session, (onProgress) =>
    describeArtefact(path, facts, {
      ...{ clock: session.io.clock, onProgress, copyTo },
      remember: options.cache ? undefined : false,
    }),
  );
  try {
    const content = form.content({ facts, ...described });
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

const bodyOf = (
  { shape, resources }: DescribedArtefact,
  { name, version, metadata }: ArtefactFacts,
): ArtefactToSign => ({
  ...{ shape, name, version, metadata },
  files: resources.map(({ path, sha256Hex: sha256 }) => ({ path, sha256 })),
});

function tell(
  signature: Signature,
  { path, described }: { readonly path: string; readonly described: DescribedArtefact },
  session: Session,
): void {
  const { resources, octets, flagged } = described;
  tellSigned(signature, { path, more: { files: resources.length, octets, flagged } }, session, [
    ["files", `${resources.length} (${sizeText(octets)})`],
  ]);
  noteFlagged(flagged, session);
}
