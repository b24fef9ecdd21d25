import { PkiError } from "@vcc-pki/errors";
import { serialToHex } from "@vcc-pki/x509";

/** "<authority>:<serial in hex>". */
export const certificateId = (authorityId: string, serial: Uint8Array): string =>
  `${authorityId}:${serialToHex(serial)}`;

/** The parts of a certificate id. Throws REQUEST_MALFORMED. */
export function parseCertificateId(id: string): { readonly authorityId: string; readonly serial: Uint8Array } {
  const [, authorityId, serialHex] = /^([a-z0-9-]{1,64}):((?:[0-9a-f]{2}){1,20})$/.exec(id) ?? [];
  if (authorityId === undefined || serialHex === undefined) {
    throw new PkiError("REQUEST_MALFORMED", "a certificate id is <authority>:<serial in hex>");
  }
  return { authorityId, serial: Buffer.from(serialHex, "hex") };
}
