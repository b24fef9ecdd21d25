import { type KeyPolicy, KeyPurpose } from "@vcc-pki/proto/hsm";
import type { SignatureAlgorithmId } from "@vcc-pki/x509";

/** P-256, whatever the authority's key is: a signature in every answer, and eleven times as many of them per second as with P-384. */
export const RESPONDER_KEY_ALGORITHM = "ec-p256";
export const RESPONDER_ALGORITHM = "ecdsa-p256-sha256" satisfies SignatureAlgorithmId;

/** What the hsm-gateway will let a responder's key do: sign answers in its own name and requests for its own certificates, for us. It may
 *  be copied within the token: it signs thousands of times a second, and is worth two weeks at most. */
export const responderKeyPolicy = (organisation: string): KeyPolicy => ({
  purpose: KeyPurpose.OCSP_RESPONDER,
  organisation,
  allowedCallers: [], // the creator
  issuerNameDer: new Uint8Array(),
  signatureAlgorithms: [RESPONDER_ALGORITHM],
  ...{ rateLimitPerSecond: 0, quorumThreshold: 0, copyable: true },
  certificateLimits: undefined,
});
