import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { type CertificationRequest, checkPublicKey, parseCertificationRequest } from "@vcc-pki/x509";
import type { ServiceKey } from "./service-record.ts";

/** What a service asks for with its CertificationRequest: a key that it holds, its own SPIFFE id, and names. */
export interface RequestedIdentity {
  readonly csrDer: Uint8Array;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly spkiSha256: Uint8Array;
  readonly keyAlgorithm: string;
}

/** No profile admits less; what it admits is the ca's to say. */
const MINIMUM_RSA_BITS = 2_048;

export interface AdmittedNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** Reads a request for the identity of `key`, and has it prove possession of its key, so that nothing is used up by one that the ca would refuse. Throws
 *  CSR_MALFORMED, KEY_WEAK, KEY_NOT_ALLOWED, CSR_SIGNATURE_INVALID, NAME_NOT_ALLOWED when it is for another service or for names of other kinds. */
export async function readRequestedIdentity(
  csrDer: Uint8Array,
  { organisation, service }: ServiceKey,
  trustDomain: string,
): Promise<RequestedIdentity> {
  const csr: CertificationRequest = parseCertificationRequest(csrDer);
  const { dns, ip, uri, email, directory, otherCount } = csr.subjectAltNames;
  const own = `spiffe://${trustDomain}/org/${organisation}/service/${service}`;
  if (uri.length !== 1 || uri[0] !== own)
    throw new PkiError("NAME_NOT_ALLOWED", `the request has to name ${own}, and no other URI`);
  if (email.length + directory.length + otherCount > 0)
    throw new PkiError("NAME_NOT_ALLOWED", "a service has DNS names and addresses beside its SPIFFE id");
  // Before it is used: a signature by a modulus of any size is a stranger's way to keep us busy.
  checkPublicKey(csr.spkiDer, { minimumRsaBits: MINIMUM_RSA_BITS, isImportedLater: true });
  if (!(await csr.verifySignatureInBackground()))
    throw new PkiError("CSR_SIGNATURE_INVALID", "the request is not signed by its own key");
  return {
    ...{ csrDer, ipAddresses: ip, keyAlgorithm: csr.keyAlgorithm },
    dnsNames: dns.map((name) => name.toLowerCase()),
    spkiSha256: hash("sha256", csr.spkiDer, "buffer"),
  };
}

/** Throws NAME_NOT_ALLOWED for a name that is not admitted. */
export function requireAdmitted({ dnsNames, ipAddresses }: RequestedIdentity, admitted: AdmittedNames): void {
  const isWithin =
    dnsNames.every((name) => admitted.dnsNames.includes(name)) &&
    ipAddresses.every((address) => admitted.ipAddresses.includes(address));
  if (!isWithin) throw new PkiError("NAME_NOT_ALLOWED", "the request has a name that this service may not have");
}
