import { type KeyPolicy, KeyPurpose } from "@vcc-pki/proto/hsm";
import type { SignatureAlgorithmId } from "@vcc-pki/x509";
import type { UnitConfig } from "./config.ts";

/** What a unit's key signs with. RSA: PSS, which EN 319 422 recommends over PKCS #1 (ETSI TS 119 312). */
export const UNIT_ALGORITHMS = {
  "ec-p256": "ecdsa-p256-sha256",
  "ec-p384": "ecdsa-p384-sha384",
  "rsa-3072": "rsa-pss-sha256",
  "rsa-4096": "rsa-pss-sha256",
} as const satisfies Record<UnitConfig["keyAlgorithm"], SignatureAlgorithmId>;

export type UnitAlgorithm = (typeof UNIT_ALGORITHMS)[UnitConfig["keyAlgorithm"]];

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
