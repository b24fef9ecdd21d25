import { constants, randomBytes, sign } from "node:crypto";
import {
  type Certificate,
  defaultSignatureAlgorithm,
  type KeyAlgorithmId,
  parseCertificate,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
} from "../src/index.ts";
import { type Extensions, type LeafOverrides, leafTbs, makeCa, type TestCa } from "./authority.ts";
import { makeKey, type TestKey } from "./keys.ts";

export interface SignerOptions {
  readonly keyAlgorithm?: KeyAlgorithmId;
  readonly signatureAlgorithm?: SignatureAlgorithmId;
  readonly ca?: TestCa;
  /** Of its certificate. */
  readonly certificate?: Omit<LeafOverrides, "extensions">;
  readonly extensions?: Extensions;
}

/** Somebody with a certificate whose key lies in memory. */
export interface TestSigner extends TestKey {
  readonly ca: TestCa;
  readonly certificate: Certificate;
  readonly signatureAlgorithm: SignatureAlgorithmId;
  signOctets(octets: Uint8Array): Uint8Array;
}

/** 160 bits, positive, in the shortest form. */
export const newSerial = (): Uint8Array => Uint8Array.of(0x7f, ...randomBytes(19));

/** With these extensions, unless the options say otherwise. */
export function makeSigner(options: SignerOptions, usual: Extensions): TestSigner {
  const { keyAlgorithm = "ec-p256", ca = makeCa("Test signers' CA") } = options;
  const signatureAlgorithm = options.signatureAlgorithm ?? defaultSignatureAlgorithm(keyAlgorithm);
  const key = makeKey(keyAlgorithm);
  const tbsDer = leafTbs(ca, {
    ...{ serial: newSerial(), spkiDer: key.spkiDer, ...options.certificate },
    extensions: { ...usual, ...options.extensions },
  });
  const certificate = parseCertificate(ca.sign(tbsDer));
  const signOctets = (octets: Uint8Array): Uint8Array => {
    const { hash, padding, saltLength } = SIGNATURE_ALGORITHMS[signatureAlgorithm];
    const isPss = padding === "pss";
    const pss = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength ?? 0 } : {};
    return new Uint8Array(sign(hash ?? null, octets, { key: key.privateKey, ...pss }));
  };
  return { ...key, ca, certificate, signatureAlgorithm, signOctets };
}
