import { hash } from "node:crypto";
import { buildBundle, IN_TOTO_PAYLOAD_TYPE, MANIFEST_MIME_TYPE } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { SignPayload } from "@vcc-pki/signer";
import {
  buildPae,
  buildSignatureTimeStamp,
  type CadesQuestion,
  type DsseEnvelope,
  dsseAlgorithmFor,
} from "@vcc-pki/x509";
import type { CertifiedKey } from "./signers.ts";
import type { SignatureParts, Subject } from "./store/signatures.ts";

/** How a signature is written: detached CMS over a manifest, or over what has a digest; or an envelope with an in-toto statement, in a bundle
 *  with a chain (OpenSSF Model Signing), or with the signer's certificate alone as strict clients of sigstore want it; or the attestation object of
 *  PEP 740. */
export const FORMATS = ["manifest", "digest", "oms", "sigstore", "attestation", "publish"] as const;
export type Format = (typeof FORMATS)[number];

export const isFormat = (text: string): text is Format => FORMATS.some((format) => format === text);

export const isCms = ({ format }: Pick<Subject, "format">): boolean => format === "manifest" || format === "digest";

/** What the token signs. Throws ALGORITHM_NOT_ALLOWED when this signer does not sign that. */
export function payloadOf(
  { certificate, signer, template }: CertifiedKey,
  subject: Subject,
  signingTime: Date,
): SignPayload {
  if (isCms(subject)) {
    const value = template.signedAttributes(
      digestOf(subject, template.digestAlgorithm),
      signingTime,
      mimeTypeOf(subject),
    );
    return { $case: "cmsSignedAttributes", value };
  }
  if (dsseAlgorithmFor(certificate) !== signer.algorithm)
    throw new PkiError(
      "ALGORITHM_NOT_ALLOWED",
      `this signer signs no envelopes, which go with another way than ${signer.algorithm}`,
    );
  return { $case: "dssePae", value: buildPae(envelopeOf(subject)) };
}

/** DER of the ContentInfo, or JSON of the bundle: octet by octet the same each time. */
export function assemble({ certificate, chain, template }: CertifiedKey, parts: SignatureParts): Uint8Array {
  const { format, signedAttributesDer, signatureValue, tokenDer } = parts;
  if (signedAttributesDer !== undefined)
    return template.signedData({
      ...{ signedAttributesDer, signature: signatureValue, withCertificates: true },
      unsignedAttributes: [buildSignatureTimeStamp(tokenDer)],
    });
  return buildBundle({
    form: format === "publish" ? "pep740" : format === "sigstore" ? "certificate" : "chain",
    ...{ certificates: [certificate, ...chain], timeStamps: [tokenDer] },
    envelope: { ...envelopeOf(parts), signatures: [signatureValue] },
  });
}

/** Nobody knows what a digest is of: only what was built here is signed as a manifest. */
export const mimeTypeOf = ({ format }: Pick<Subject, "format">): string | undefined =>
  format === "manifest" ? MANIFEST_MIME_TYPE : undefined;

/** What a CMS signature is over. */
export const contentOf = ({ artefact, artefactDigest }: Subject): CadesQuestion["content"] =>
  artefact?.content ?? { hash: "sha256", digest: Buffer.from(artefactDigest.slice("sha256:".length), "hex") };

export const envelopeOf = ({ artefact }: Subject): DsseEnvelope => ({
  payloadType: IN_TOTO_PAYLOAD_TYPE,
  payload: artefact?.content ?? new Uint8Array(),
  signatures: [],
});

function digestOf(subject: Subject, algorithm: CertifiedKey["template"]["digestAlgorithm"]): Uint8Array {
  const content = contentOf(subject);
  if (content instanceof Uint8Array) return hash(algorithm, content, "buffer");
  if (algorithm !== content.hash)
    throw new PkiError("ALGORITHM_NOT_ALLOWED", `this signer signs digests of ${algorithm}`);
  return content.digest;
}
