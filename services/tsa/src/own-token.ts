import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import {
  digestAlgorithmFor,
  equalBytes,
  isSignedByInBackground,
  parseSignedAttributes,
  parseTstInfo,
  SIGNATURE_ALGORITHMS,
  type TimeStampReq,
  type TstInfo,
} from "@vcc-pki/x509";
import type { UnitKey } from "./units.ts";

const NONE = new Uint8Array();

export interface OwnToken {
  readonly tstInfoDer: Uint8Array;
  readonly signedAttributesDer: Uint8Array;
  readonly signature: Uint8Array;
}

/** Verifies what was made before anybody sees it: the TSTInfo reads as it was meant, the attributes are over it, and the signature over them
 *  is by the key in the unit's certificate. Rejects with SIGNATURE_INVALID. */
export async function verifyOwnToken(
  { tstInfoDer, signedAttributesDer, signature }: OwnToken,
  meant: Pick<TimeStampReq, "messageImprint" | "nonce"> & Pick<TstInfo, "serial" | "policy">,
  { certificate, signer }: UnitKey,
): Promise<void> {
  const { serial, policy, messageImprint, nonce } = parseTstInfo(tstInfoDer);
  const isMeant =
    equalBytes(serial, meant.serial) &&
    policy === meant.policy &&
    equalBytes(messageImprint.hashAlgorithmDer, meant.messageImprint.hashAlgorithmDer) &&
    equalBytes(messageImprint.digest, meant.messageImprint.digest) &&
    equalBytes(nonce ?? NONE, meant.nonce ?? NONE);
  if (!isMeant) throw new PkiError("SIGNATURE_INVALID", "the token says something else than was meant");
  const { messageDigest } = parseSignedAttributes(signedAttributesDer);
  const digest = hash(digestAlgorithmFor(signer.algorithm), tstInfoDer, "buffer");
  if (!equalBytes(messageDigest, digest))
    throw new PkiError("SIGNATURE_INVALID", "the attributes are over other octets");
  const { algorithmIdentifierDer: signatureAlgorithmDer } = SIGNATURE_ALGORITHMS[signer.algorithm];
  const signed = { tbsDer: signedAttributesDer, signature, signatureAlgorithmDer };
  if (!(await isSignedByInBackground(signed, certificate.spkiDer)))
    throw new PkiError("SIGNATURE_INVALID", "the signature is not by the unit's key");
}
