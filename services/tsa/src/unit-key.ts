import { type KeyPolicy, KeyPurpose } from "@vcc-pki/proto/hsm";
import type { SignatureAlgorithmId } from "@vcc-pki/x509";
import type { UnitConfig } from "./config.ts";

export type UnitAlgorithm = Extract<
  SignatureAlgorithmId,
  "ecdsa-p256-sha256" | "ecdsa-p384-sha384" | "rsa-pss-sha256" | "rsa-pkcs1-sha256"
>;

/** What a unit's key signs with. */
export function unitAlgorithm({
  keyAlgorithm,
  rsaPadding,
}: Pick<UnitConfig, "keyAlgorithm" | "rsaPadding">): UnitAlgorithm {
  if (keyAlgorithm === "ec-p256") return "ecdsa-p256-sha256";
  if (keyAlgorithm === "ec-p384") return "ecdsa-p384-sha384";
  return rsaPadding === "pss" ? "rsa-pss-sha256" : "rsa-pkcs1-sha256";
}

/** What the hsm-gateway will let a unit's key do: sign time stamps and the request for its own certificate, for us. It may be copied
 *  within the token, where it signs thousands of times a second. */
export const unitKeyPolicy = (organisation: string, algorithm: UnitAlgorithm): KeyPolicy => ({
  purpose: KeyPurpose.TIME_STAMPING,
  organisation,
  allowedCallers: [], // the creator
  issuerNameDer: new Uint8Array(),
  signatureAlgorithms: [algorithm],
  ...{ rateLimitPerSecond: 0, quorumThreshold: 0, copyable: true },
  certificateLimits: undefined,
});
