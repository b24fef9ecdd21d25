import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createCertificationRequest, type GeneralNamesInput, KEY_ALGORITHMS, type KeyAlgorithmId } from "@vcc-pki/x509";

export interface Requested {
  readonly privateKey: KeyObject;
  readonly csrDer: Uint8Array;
}

/** A new key of this kind and a request for it under these names. */
export function requestFor(keyAlgorithm: KeyAlgorithmId, names: GeneralNamesInput): Requested {
  const privateKey = newPrivateKey(keyAlgorithm);
  return { privateKey, csrDer: createCertificationRequest({ subjectAltNames: names, privateKey }) };
}

function newPrivateKey(keyAlgorithm: KeyAlgorithmId): KeyObject {
  const row: { type: string; bits: number; namedCurve?: string } = KEY_ALGORITHMS[keyAlgorithm];
  if (row.type === "rsa") return generateKeyPairSync("rsa", { modulusLength: row.bits }).privateKey;
  if (row.type === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  if (row.namedCurve === undefined) throw new Error(`${keyAlgorithm} has no curve`);
  return generateKeyPairSync("ec", { namedCurve: row.namedCurve }).privateKey;
}
