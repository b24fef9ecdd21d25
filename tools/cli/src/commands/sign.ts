import { randomUUIDv7 } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  type ArtefactFacts,
  type ArtefactType,
  MANIFEST_FILE,
  MANIFEST_MIME_TYPE,
  MANIFEST_SIGNATURE_FILE,
} from "@vcc-pki/artefact";
import { type DescribedArtefact, describeArtefact } from "@vcc-pki/client";
import { PkiError } from "@vcc-pki/errors";
import { type ArtefactToSign, Signature } from "@vcc-pki/gateway/api";
import { faultsText, OID, trustAnchors, verifyCadesSignature } from "@vcc-pki/x509";
import { requireAbsent, writeWhole } from "../files.ts";
import { hashingOf, sizeText } from "../hashing-progress.ts";
import { readTrusted } from "../issuer.ts";
import type { Session } from "../session.ts";
import type { Settings } from "../settings.ts";
import { fields } from "../table.ts";
import { UsageError } from "../usage.ts";
import { type FactsOptions, factsOf, noteFlagged } from "./manifest.ts";

export interface SignOptions extends Omit<FactsOptions, "type"> {
  readonly package?: string;
  readonly model?: string;
  readonly path?: string;
  readonly type?: ArtefactType;
  readonly signer?: string;
  /** A directory in which a signed copy is made, instead of signing it where it is. */
  readonly output?: string;
  readonly requestId?: string;
  readonly cache: boolean;
  readonly force?: boolean;
}

/** Has an artefact signed. Its files are hashed here and stay here; what comes back is believed only when it is about these files, and when
 *  signature and time stamp hold down to the root. */
export async function signArtefact(options: SignOptions, session: Session): Promise<void> {
  const { path, type } = whatToSign(options);
  const copyTo = options.output && join(options.output, basename(resolve(path)));
  const directory = directoryOf(path);
  if (copyTo === undefined) {
    for (const name of [MANIFEST_FILE, MANIFEST_SIGNATURE_FILE]) requireAbsent(join(directory, name), options.force);
  } else mkdirSync(options.output ?? ".", { recursive: true });
  const facts = factsOf(path, { ...options, type }, session.settings.organisation);
  const described = await hashingOf(path, session, (onProgress) =>
    describeArtefact(path, facts, {
      ...{ clock: session.io.clock, onProgress, copyTo },
      remember: options.cache ? undefined : false,
    }),
  );
  try {
    const { signature, manifest, signedData } = await askToSign(described, facts, options, session);
    for (const [name, octets] of [
      [MANIFEST_FILE, manifest],
      [MANIFEST_SIGNATURE_FILE, signedData],
    ] as const) {
      if (described.copy) described.copy.write(name, octets);
      else writeWhole(join(directory, name), octets, { force: options.force });
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
  if (path === undefined || second !== undefined) throw new UsageError("name one of --package, --model and --path");
  if (options.type !== undefined) return { path, type: options.type };
  if (options.package !== undefined) return { path, type: "python_package" };
  if (options.model === undefined) throw new UsageError("--path needs --type");
  return { path, type: existsSync(join(path, "adapter_config.json")) ? "lora_adapter" : "model_weights" };
}

/** Where a signature lies: in the artefact's directory, or beside the one file that it is. */
function directoryOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`there is nothing at ${path}`);
  return stats.isDirectory() ? path : dirname(path);
}

async function askToSign(described: DescribedArtefact, facts: ArtefactFacts, options: SignOptions, session: Session) {
  const { shape, resources } = described;
  const body: ArtefactToSign = {
    ...{ shape, name: facts.name, version: facts.version, metadata: facts.metadata, signer: options.signer },
    files: resources.map(({ path, sha256Hex: sha256 }) => ({ path, sha256 })),
  };
  const { requestId = randomUUIDv7() } = options;
  const path = `/api/v1/sign/${facts.type.replaceAll("_", "-")}`;
  const asked = session.client.call({ method: "POST", path, body, requestId, answer: Signature });
  const signature = await session.during(`having ${facts.name} signed`, asked);
  const manifest = Buffer.from(signature.manifest ?? "");
  const signedData = Buffer.from(signature.signature ?? "", "base64");
  // What was signed is what would have been written here, octet by octet: these files, and what is said of them.
  if (!manifest.equals(described.manifest))
    throw new PkiError("SIGNATURE_INVALID", "what was signed is something else");
  requireSound(manifest, signedData, session.settings);
  return { signature, manifest, signedData };
}

function requireSound(manifest: Uint8Array, signedData: Uint8Array, settings: Settings): void {
  const { roots: anchors, bundle: intermediates } = readTrusted(settings);
  const trusted = { anchors, intermediates };
  const { ok, checks } = verifyCadesSignature(signedData, {
    content: manifest,
    mimeType: MANIFEST_MIME_TYPE,
    trust: trustAnchors({ ...trusted, purpose: OID.codeSigning }),
    timeStamp: { trust: trustAnchors(trusted), certificates: intermediates },
  });
  if (ok) return;
  throw new PkiError("SIGNATURE_INVALID", `the signature does not hold (${faultsText(checks)})`);
}

function tell(
  { signature_id, artefact_digest, signer, signed_at, cert_serial, type, name }: Signature,
  { path, described }: { readonly path: string; readonly described: DescribedArtefact },
  session: Session,
): void {
  const { resources, octets, flagged } = described;
  const told = { signature_id, path, artefact_digest, signer, signed_at, cert_serial, files: resources.length, octets };
  session.result({ ...told, flagged }, () =>
    fields([
      ["signed", path],
      ["artefact", `${type} ${name}`],
      ["digest", artefact_digest],
      ["files", `${resources.length} (${sizeText(octets)})`],
      ["signer", signer],
      ["time", signed_at],
      ["signature", signature_id],
    ]),
  );
  noteFlagged(flagged, session);
}
