import { hash } from "node:crypto";
import {
  buildSignatureTimeStamp,
  extendedKeyUsage,
  imprintData,
  OID,
  SignedDataTemplate,
  subjectAltName,
} from "../src/index.ts";
import { makeSigner, type SignerOptions, type TestSigner } from "./signer.ts";
import { GEN_TIME, type TestUnit } from "./time-stamping-unit.ts";

export type CodeSigner = TestSigner;

/** Whose certificate is for code, with the URI of a service. */
export const makeCodeSigner = (options: SignerOptions = {}): CodeSigner =>
  makeSigner(options, {
    extendedKeyUsage: extendedKeyUsage([OID.codeSigning], true),
    subjectAltName: subjectAltName({ uri: ["spiffe://vcc.internal/org/brandenburg/service/clara-signer"] }),
  });

interface SignOptions {
  readonly genTime?: Date;
  /** What the signer says that the content is. */
  readonly mimeType?: string;
  /** What is stamped instead of the signature. */
  readonly stamped?: Uint8Array;
}

/** A detached signature of the level CAdES-B-T, in DER. */
export function signDetached(
  signer: CodeSigner,
  content: Uint8Array,
  unit: TestUnit,
  options: SignOptions = {},
): Buffer {
  const { genTime = GEN_TIME, mimeType } = options;
  const { certificate, signatureAlgorithm, ca } = signer;
  const template = new SignedDataTemplate({
    ...{ contentType: OID.data, certificate, signatureAlgorithm },
    chain: [ca.certificate],
  });
  const digest = hash(template.digestAlgorithm, content, "buffer");
  const signedAttributesDer = template.signedAttributes(digest, genTime, mimeType);
  const signature = signer.signOctets(signedAttributesDer);
  const token = unit.stamp({ messageImprint: imprintData("sha256", options.stamped ?? signature), genTime });
  const unsignedAttributes = [buildSignatureTimeStamp(token)];
  return template.signedData({ signedAttributesDer, signature, withCertificates: true, unsignedAttributes });
}
