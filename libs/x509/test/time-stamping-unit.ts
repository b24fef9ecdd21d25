import { constants, randomBytes, sign } from "node:crypto";
import {
  basicConstraints,
  type Certificate,
  defaultSignatureAlgorithm,
  extendedKeyUsage,
  type KeyAlgorithmId,
  type MessageImprint,
  OID,
  parseCertificate,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
  TokenTemplate,
  type TokenTemplateFields,
} from "../src/index.ts";
import { type Extensions, type LeafOverrides, leafTbs, makeCa, type TestCa } from "./authority.ts";
import { makeKey, type TestKey } from "./keys.ts";

export const TEST_POLICY = "1.3.6.1.4.1.32473.1.50";
export const GEN_TIME = new Date("2026-11-01T12:34:56.789Z");

export interface UnitOptions {
  readonly keyAlgorithm?: KeyAlgorithmId;
  readonly signatureAlgorithm?: SignatureAlgorithmId;
  readonly ca?: TestCa;
  /** Of its certificate. */
  readonly certificate?: Omit<LeafOverrides, "extensions">;
  readonly extensions?: Extensions;
  readonly template?: Partial<TokenTemplateFields>;
}

/** A time-stamping unit whose key lies in memory. */
export interface TestUnit extends TestKey {
  readonly ca: TestCa;
  readonly certificate: Certificate;
  readonly signatureAlgorithm: SignatureAlgorithmId;
  readonly template: TokenTemplate;
  signOctets(octets: Uint8Array): Uint8Array;
  stamp(question: StampQuestion): Uint8Array;
}

export interface StampQuestion {
  readonly messageImprint: MessageImprint;
  readonly nonce?: Uint8Array | undefined;
  readonly certReq?: boolean;
  readonly genTime?: Date;
}

/** 160 bits, positive, in the shortest form. */
const newSerial = (): Uint8Array => Uint8Array.of(0x7f, ...randomBytes(19));

export function makeUnit(options: UnitOptions = {}): TestUnit {
  const { keyAlgorithm = "ec-p256", ca = makeCa("Test TSA CA"), extensions = {}, template: fields = {} } = options;
  const signatureAlgorithm = options.signatureAlgorithm ?? defaultSignatureAlgorithm(keyAlgorithm);
  const key = makeKey(keyAlgorithm);
  const tbsDer = leafTbs(ca, {
    ...{ serial: newSerial(), spkiDer: key.spkiDer, ...options.certificate },
    extensions: {
      basicConstraints: basicConstraints({ ca: false }),
      extendedKeyUsage: extendedKeyUsage([OID.timeStamping], true),
      subjectAltName: new Uint8Array(),
      ...extensions,
    },
  });
  const certificate = parseCertificate(ca.sign(tbsDer));
  const template = new TokenTemplate({
    ...{ certificate, signatureAlgorithm, policy: TEST_POLICY, accuracy: { millis: 500 }, fractionDigits: 3 },
    ...fields,
  });
  const signOctets = (octets: Uint8Array): Uint8Array => {
    const { hash, padding, saltLength } = SIGNATURE_ALGORITHMS[signatureAlgorithm];
    const isPss = padding === "pss";
    const options = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength ?? 0 } : {};
    return new Uint8Array(sign(hash ?? null, octets, { key: key.privateKey, ...options }));
  };
  return {
    ...{ ...key, ca, certificate, signatureAlgorithm, template, signOctets },
    stamp({ messageImprint, nonce, certReq = true, genTime = GEN_TIME }) {
      const tstInfoDer = template.tstInfo({ messageImprint, serial: newSerial(), genTime, nonce });
      const signedAttributesDer = template.signedAttributes(tstInfoDer);
      return template.token({ tstInfoDer, signedAttributesDer, signature: signOctets(signedAttributesDer), certReq });
    },
  };
}
