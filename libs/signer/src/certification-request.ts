import { assembleSigned, buildCertificationRequestInfo, type CertificationRequestFields } from "@vcc-pki/x509";
import type { Signer } from "./signer.ts";

/** PKCS#10 (RFC 2986), signed by the key it is for. The same request id gives the same octets. Rejects as `Signer.sign` does. */
export async function signCertificationRequest(
  signer: Signer,
  names: Omit<CertificationRequestFields, "spkiDer">,
  requestId: string,
): Promise<Uint8Array> {
  const infoDer = buildCertificationRequestInfo({ ...names, spkiDer: signer.spkiDer });
  const signature = await signer.sign({ $case: "certificationRequestInfo", value: infoDer }, requestId);
  return assembleSigned(infoDer, signer.algorithm, signature);
}
