import { type KeyPolicy, KeyPurpose } from "@vcc-pki/proto/hsm";
import type { SignatureAlgorithmId } from "@vcc-pki/x509";

export type SignerAlgorithm = Extract<
  SignatureAlgorithmId,
  "ecdsa-p256-sha256" | "ecdsa-p384-sha384" | "rsa-pkcs1-sha256"
>;

/** What a signer's key may be, and what it signs with. RSA as PKCS #1, which every verifier of CMS knows. */
export const SIGNER_ALGORITHMS = {
  "ec-p256": "ecdsa-p256-sha256",
  "ec-p384": "ecdsa-p384-sha384",
  "rsa-4096": "rsa-pkcs1-sha256",
} as const satisfies Record<string, SignerAlgorithm>;

export type SignerKeyAlgorithm = keyof typeof SIGNER_ALGORITHMS;

export const isSignerKeyAlgorithm = (text: string): text is SignerKeyAlgorithm =>
  Object.hasOwn(SIGNER_ALGORITHMS, text);

/** What the hsm-gateway will let a signer's key do: sign artefacts and the request for its own certificate, for us. It may be copied within
 *  the token, where it signs thousands of times a second. */
export const signerKeyPolicy = (organisation: string, keyAlgorithm: SignerKeyAlgorithm): KeyPolicy => ({
  purpose: KeyPurpose.CODE_SIGNING,
  organisation,
  allowedCallers: [], // the creator
  issuerNameDer: new Uint8Array(),
  signatureAlgorithms: [SIGNER_ALGORITHMS[keyAlgorithm]],
  ...{ rateLimitPerSecond: 0, quorumThreshold: 0, copyable: true },
  certificateLimits: undefined,
});
