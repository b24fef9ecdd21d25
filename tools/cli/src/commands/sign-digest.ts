import { type ArtefactType, buildAttestation, checkFacts, type Digest } from "@vcc-pki/artefact";
import { requireAbsent, writeWhole } from "../files.ts";
import { askToSign, tellSigned } from "../own-signature.ts";
import type { Session } from "../session.ts";
import { UsageError } from "../usage.ts";
import { metadataOf } from "./manifest.ts";
import type { SignOptions } from "./sign.ts";

export interface SignDigestOptions extends SignOptions {
  readonly digest: Digest;
  /** Where the signature goes. */
  readonly signature?: string;
}

/** Has signed what is known by its digest alone, such as a container's image: there are no files to hash, and none to lie beside. */
export async function signDigest(options: SignDigestOptions, session: Session): Promise<void> {
  const { digest, name, signature: file, artefactVersion: version, signer, requestId, force } = options;
  if ([options.package, options.model, options.path, options.output].some((path) => path !== undefined))
    throw new UsageError("--digest has no files: leave --package, --model, --path and --output out");
  if (name === undefined || file === undefined) throw new UsageError("--digest needs --name and --signature");
  const type: ArtefactType = options.type ?? "container_image";
  requireAbsent(file, force);
  const { organisation } = session.settings;
  const facts = checkFacts({ type, name, version, organisation, metadata: metadataOf(options) });
  const observed = {
    shape: "digest",
    hash: "sha256",
    digest: Buffer.from(digest.slice("sha256:".length), "hex"),
  } as const;
  const { signature, octets } = await askToSign(
    {
      ...{ body: { shape: "digest", digest, name, version, metadata: facts.metadata }, format: "attestation", type },
      ...{ content: buildAttestation({ facts, shape: "digest", digest }), observed, signer, requestId },
    },
    session,
  );
  writeWhole(file, octets[0] ?? new Uint8Array(), { force });
  tellSigned(signature, { path: file, more: {} }, session);
}
