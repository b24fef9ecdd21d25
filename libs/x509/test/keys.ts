import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { KEY_ALGORITHMS, type KeyAlgorithmId } from "../src/index.ts";

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly spkiDer: Uint8Array;
}

/** A fresh key of this kind. */
export function makeKey(id: KeyAlgorithmId = "ec-p256"): TestKey {
  const row = KEY_ALGORITHMS[id];
  const { privateKey, publicKey } =
    row.type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: row.namedCurve })
      : row.type === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: row.bits })
        : generateKeyPairSync("ed25519");
  return { privateKey, spkiDer: new Uint8Array(publicKey.export({ type: "spki", format: "der" })) };
}
