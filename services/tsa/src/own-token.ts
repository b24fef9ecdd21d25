import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { equalBytes, isSignedByInBackground, parseSignedAttributes, SIGNATURE_ALGORITHMS } from "@vcc-pki/x509";
import type { UnitKey } from "./units.ts";

export interface OwnToken {
  readonly tstInfoDer: Uint8Array;
  readonly signedAttributesDer: Uint8Array;
  readonly signature: Uint8Array;
}

/** Verifies what the hsm-gateway has made, before anybody sees it: the attributes are over this TSTInfo, and the signature over them is by
 *  the key in the unit's certificate. Rejects with SIGNATURE_INVALID. */
export async function verifyOwnToken(
  { tstInfoDer, signedAttributesDer, signature }: OwnToken,
  { certificate, signer, templates }: UnitKey,
): Promise<void> {
  const { messageDigest } = parseSignedAttributes(signedAttributesDer);
  const [template] = templates.values();
  const digest = hash(template?.digestAlgorithm ?? "sha256", tstInfoDer, "buffer");
  if (!equalBytes(messageDigest, digest))
    throw new PkiError("SIGNATURE_INVALID", "the attributes are over other octets");
  const { algorithmIdentifierDer: signatureAlgorithmDer } = SIGNATURE_ALGORITHMS[signer.algorithm];
  const signed = { tbsDer: signedAttributesDer, signature, signatureAlgorithmDer };
  if (!(await isSignedByInBackground(signed, certificate.spkiDer)))
    throw new PkiError("SIGNATURE_INVALID", "the signature is not by the unit's key");
}
