import { type ArtefactVerification, type Digest, type Observed, verifySignedArtefact } from "@vcc-pki/artefact";
import { askOnline } from "./online/ask-online.ts";
import type { GatheredEvidence } from "./online/revocation-evidence.ts";
import { readSignatureAt } from "./signature-files.ts";
import type { VerifyOptions } from "./verify-artefact.ts";

export type VerifiedDigest = ArtefactVerification & { readonly problems: GatheredEvidence["problems"] };

/** Whether what has this digest may be used, which somebody else has counted: a registry about a container's image. Its signature lies in a file. Throws
 *  NOT_FOUND, REQUEST_TOO_LARGE, FILE_NOT_REGULAR, FILE_UNREADABLE; what is wrong with a signature is a verdict. */
export async function verifyDigest(
  digest: Digest,
  signatureFile: string,
  options: Pick<VerifyOptions, "trust" | "policy" | "expected" | "online" | "clock">,
): Promise<VerifiedDigest> {
  const { material } = readSignatureAt(signatureFile);
  const observed: Observed = {
    ...{ shape: "digest", hash: "sha256", digest: Buffer.from(digest.slice("sha256:".length), "hex") },
  };
  const { problems, ...judged } = await askOnline(material, observed, options);
  const { expected = {} } = options;
  return { ...verifySignedArtefact({ material, observed, expected, ...judged }), problems };
}
