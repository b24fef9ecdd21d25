import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { UsageError } from "./usage.ts";

/** How Node makes the keys a subscriber may choose from. Names as everywhere in the suite. */
const GENERATORS: Readonly<Record<string, () => { privateKey: KeyObject }>> = {
  "ec-p256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "ec-p384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "ec-p521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  "ec-brainpoolp256r1": () => generateKeyPairSync("ec", { namedCurve: "brainpoolP256r1" }),
  "ec-brainpoolp384r1": () => generateKeyPairSync("ec", { namedCurve: "brainpoolP384r1" }),
  "rsa-3072": () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  "rsa-4096": () => generateKeyPairSync("rsa", { modulusLength: 4096 }),
  ed25519: () => generateKeyPairSync("ed25519"),
};

export const SUBSCRIBER_KEY_ALGORITHMS = Object.keys(GENERATORS);

/** A new key of this machine's own; it is never sent anywhere. Throws UsageError for an unknown algorithm. */
export function generateSubscriberKey(algorithm: string): KeyObject {
  const generate = Object.hasOwn(GENERATORS, algorithm) ? GENERATORS[algorithm] : undefined;
  if (!generate) throw new UsageError(`--key-algorithm is one of ${SUBSCRIBER_KEY_ALGORITHMS.join(", ")}`);
  return generate().privateKey;
}

/** PKCS#8, PEM, unencrypted: what services read. */
export const keyToPem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
