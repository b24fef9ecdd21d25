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

/** Whose certificate is for code, with the URI of a service. */
export const makeCodeSigner = (options: SignerOptions = {}): TestSigner =>
  makeSigner(options, {
    extendedKeyUsage: extendedKeyUsage([OID.codeSigning], true),
    subjectAltName: subjectAltName({ uri: ["spiffe://vcc.internal/org/brandenburg/service/clara-signer"] }),
  });

/** A detached signature of the level CAdES-B-T, in DER. */
export function signDetached(signer: TestSigner, content: Uint8Array, unit: TestUnit, genTime = GEN_TIME): Buffer {
  const { certificate, signatureAlgorithm, ca } = signer;
  const template = new SignedDataTemplate({
    ...{ contentType: OID.data, certificate, signatureAlgorithm },
    chain: [ca.certificate],
  });
  const signedAttributesDer = template.signedAttributes(hash(template.digestAlgorithm, content, "buffer"), genTime);
  const signature = signer.signOctets(signedAttributesDer);
  const token = unit.stamp({ messageImprint: imprintData("sha256", signature), genTime });
  const unsignedAttributes = [buildSignatureTimeStamp(token)];
  return template.signedData({ signedAttributesDer, signature, withCertificates: true, unsignedAttributes });
}
