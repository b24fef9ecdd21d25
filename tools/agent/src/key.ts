import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { createCertificationRequest, pemEncode } from "@vcc-pki/x509";
import type { Identity } from "./config.ts";
import type { PendingKey } from "./store.ts";

const GENERATORS: Readonly<Record<Identity["key"], () => KeyObject>> = {
  "ec-p256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  "ec-p384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  "rsa-3072": () => generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey,
};

/** A new key, which no one else has seen, and a request for the names of the identity. */
export function createPendingKey({ key, spiffeId, dns, ip }: Identity): PendingKey {
  const privateKey = GENERATORS[key]();
  const csrDer = createCertificationRequest({ subjectAltNames: { uri: [spiffeId], dns, ip }, privateKey });
  return {
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    csrPem: pemEncode("CERTIFICATE REQUEST", csrDer),
  };
}

/** SHA-256 of the public key, which people compare before they approve a request. */
export function publicKeyFingerprint(keyPem: string): string {
  const spkiDer = createPublicKey(createPrivateKey(keyPem)).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spkiDer).digest("hex");
}

export const isKeyOf = (keyPem: string, certificateDer: Uint8Array): boolean =>
  new X509Certificate(certificateDer).checkPrivateKey(createPrivateKey(keyPem));
