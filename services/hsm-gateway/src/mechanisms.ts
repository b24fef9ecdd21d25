import { constants, hash, type KeyObject, verify } from "node:crypto";
import {
  encode,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  rawEcdsaToDer,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
} from "@vcc-pki/x509";
import pkcs11js from "pkcs11js";
import type { Mechanism, Template } from "./pkcs11.ts";

/** PKCS#11 v3.0; pkcs11js knows v2.40. */
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
const CKM_EDDSA = 0x1057;
const CKK_EC_EDWARDS = 0x40;

const { CKA_EC_PARAMS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT } = pkcs11js;
type HashName = "sha256" | "sha384" | "sha512";

interface KeyGeneration {
  readonly mechanism: number;
  readonly keyType: number;
  /** What the public key's template must say about the key to be made. */
  readonly publicTemplate: Template;
}

/** How each kind of key is made. */
export const KEY_GENERATION: Readonly<Record<KeyAlgorithmId, KeyGeneration>> = {
  "ec-p256": ec("ec-p256"),
  "ec-p384": ec("ec-p384"),
  "ec-p521": ec("ec-p521"),
  "ec-brainpoolp256r1": ec("ec-brainpoolp256r1"),
  "ec-brainpoolp384r1": ec("ec-brainpoolp384r1"),
  "rsa-3072": rsa(3072),
  "rsa-4096": rsa(4096),
  ed25519: {
    mechanism: CKM_EC_EDWARDS_KEY_PAIR_GEN,
    keyType: CKK_EC_EDWARDS,
    publicTemplate: [{ type: CKA_EC_PARAMS, value: oidDer("1.3.101.112") }],
  },
};

interface Signing {
  readonly mechanism: Mechanism;
  /** The event loop for what takes some 50 µs, the pool's threads for what would hold the loop up for longer. */
  readonly on: "loop" | "pool";
  /** What the token is given: the hash where it does not hash itself. `sha256` is the data's, where it is known. */
  readonly toInput: (data: Uint8Array, sha256?: Buffer) => Buffer;
  /** The token's answer in the form X.509 carries. */
  readonly toSignature: (raw: Uint8Array) => Uint8Array;
}

/** How each algorithm is asked of the token. Hashing is ours: not every token has CKM_ECDSA_SHA256, every one has CKM_ECDSA. */
export const SIGNING: Readonly<Record<SignatureAlgorithmId, Signing>> = {
  "ecdsa-p256-sha256": ecdsa("sha256", "loop"),
  "ecdsa-p384-sha384": ecdsa("sha384", "pool"),
  "ecdsa-p521-sha512": ecdsa("sha512", "pool"),
  "ecdsa-brainpoolp256r1-sha256": ecdsa("sha256", "pool"),
  "ecdsa-brainpoolp384r1-sha384": ecdsa("sha384", "pool"),
  "rsa-pkcs1-sha256": pkcs1("sha256"),
  "rsa-pkcs1-sha384": pkcs1("sha384"),
  "rsa-pkcs1-sha512": pkcs1("sha512"),
  "rsa-pss-sha256": pss("sha256", pkcs11js.CKM_SHA256, pkcs11js.CKG_MGF1_SHA256),
  "rsa-pss-sha384": pss("sha384", pkcs11js.CKM_SHA384, pkcs11js.CKG_MGF1_SHA384),
  "rsa-pss-sha512": pss("sha512", pkcs11js.CKM_SHA512, pkcs11js.CKG_MGF1_SHA512),
  ed25519: {
    mechanism: { mechanism: CKM_EDDSA },
    on: "loop",
    toInput: (data) => Buffer.from(data.buffer, data.byteOffset, data.length),
    toSignature: (raw) => new Uint8Array(raw),
  },
};

/** The token made a signature that does not verify: it is given to nobody. */
export class WrongSignatureError extends Error {
  constructor() {
    super("the token made a signature that does not verify");
    this.name = "WrongSignatureError";
  }
}

/** Verifies in software, on a thread of the pool. */
export function verifyInSoftware(
  publicKey: KeyObject,
  algorithm: SignatureAlgorithmId,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { hash: hashName, padding, saltLength } = SIGNATURE_ALGORITHMS[algorithm];
  const key = padding === "pss" ? { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : publicKey;
  return new Promise((resolve, reject) => {
    verify(hashName ?? null, data, key, signature, (error, valid) => (error ? reject(error) : resolve(valid)));
  });
}

function ec(id: "ec-p256" | "ec-p384" | "ec-p521" | "ec-brainpoolp256r1" | "ec-brainpoolp384r1"): KeyGeneration {
  return {
    mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN,
    keyType: pkcs11js.CKK_EC,
    publicTemplate: [{ type: CKA_EC_PARAMS, value: oidDer(KEY_ALGORITHMS[id].curveOid) }],
  };
}

function rsa(bits: number): KeyGeneration {
  return {
    mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN,
    keyType: pkcs11js.CKK_RSA,
    publicTemplate: [
      { type: CKA_MODULUS_BITS, value: bits },
      { type: CKA_PUBLIC_EXPONENT, value: Buffer.from([0x01, 0x00, 0x01]) },
    ],
  };
}

/** CKM_ECDSA takes the hash, cut to the order's size (never longer here), and answers r || s. */
function ecdsa(hashName: HashName, on: Signing["on"]): Signing {
  const mechanism = { mechanism: pkcs11js.CKM_ECDSA };
  const digest = (data: Uint8Array) => hash(hashName, data, "buffer");
  const toInput = hashName === "sha256" ? (data: Uint8Array, sha256?: Buffer) => sha256 ?? digest(data) : digest;
  return { mechanism, on, toInput, toSignature: rawEcdsaToDer };
}

/** DigestInfo up to the digest (RFC 8017 section 9.2, note 1): CKM_RSA_PKCS pads what it is given and adds nothing. */
const DIGEST_INFO: Readonly<Record<HashName, Buffer>> = {
  sha256: Buffer.from("3031300d060960864801650304020105000420", "hex"),
  sha384: Buffer.from("3041300d060960864801650304020205000430", "hex"),
  sha512: Buffer.from("3051300d060960864801650304020305000440", "hex"),
};

function pkcs1(hashName: HashName): Signing {
  return {
    mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS },
    on: "pool",
    toInput: (data) => Buffer.concat([DIGEST_INFO[hashName], hash(hashName, data, "buffer")]),
    toSignature: (raw) => new Uint8Array(raw),
  };
}

/** Hash, MGF1 hash and salt length agree with each other and with the AlgorithmIdentifier (RFC 4055 section 3.1). */
function pss(hashName: HashName, hashAlg: number, mgf: number): Signing {
  const saltLen = SIGNATURE_ALGORITHMS[`rsa-pss-${hashName}`].saltLength ?? 0;
  const parameter = { type: pkcs11js.CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen };
  return {
    mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS_PSS, parameter },
    on: "pool",
    toInput: (data) => hash(hashName, data, "buffer"),
    toSignature: (raw) => new Uint8Array(raw),
  };
}

function oidDer(oid: string): Buffer {
  return Buffer.from(encode((writer) => writer.oid(oid)));
}
