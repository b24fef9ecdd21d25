import { generateKeyPairSync } from "node:crypto";
import { createCertificationRequest } from "@vcc-pki/x509";

/** PKCS#10 requests made before the clock starts, so that the client's key generation and signing do not count. Each has a key of its
 *  own and one DNS name; the pool is used round and round. */
export function buildCsrPool(size: number, dnsName: (index: number) => string): readonly Uint8Array[] {
  return Array.from({ length: size }, (_, index) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return createCertificationRequest({ subjectAltNames: { dns: [dnsName(index)] }, privateKey });
  });
}
