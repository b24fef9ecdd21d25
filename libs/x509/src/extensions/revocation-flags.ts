import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { OID } from "../oids.ts";
import { buildExtension } from "./extension.ts";

const EMPTY = new Uint8Array();

/** NoRevAvail ::= NULL (RFC 9608 section 2): the issuer never publishes revocation of this certificate. End entities only; then no
 *  CRL distribution point and no OCSP URL. Not critical. */
export const noRevAvail = (): Uint8Array => nullExtension(OID.noRevAvail);

/** id-pkix-ocsp-nocheck, NULL (RFC 6960 section 4.2.2.2.1): relying parties trust this OCSP responder for its certificate's life.
 *  Not critical. */
export const ocspNoCheck = (): Uint8Array => nullExtension(OID.ocspNoCheck);

function nullExtension(oid: string): Uint8Array {
  return buildExtension(oid, false, (writer) => writer.primitive(TAG.NULL, EMPTY));
}

export function parseNull(valueDer: Uint8Array): true {
  const reader = DerReader.over(valueDer);
  reader.null();
  reader.end();
  return true;
}
