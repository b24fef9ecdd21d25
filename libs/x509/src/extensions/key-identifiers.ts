import { DerReader } from "../der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import { readGeneralNames } from "../names/general-names.ts";
import { OID } from "../oids.ts";
import { buildExtension, readSequence } from "./extension.ts";

/** SubjectKeyIdentifier ::= OCTET STRING (RFC 5280 section 4.2.1.2). Not critical. See `sha1KeyIdentifier`. */
export function subjectKeyIdentifier(keyIdentifier: Uint8Array): Uint8Array {
  return buildExtension(OID.subjectKeyIdentifier, false, (writer) => writer.octetString(keyIdentifier));
}

export function parseSubjectKeyIdentifier(valueDer: Uint8Array): Uint8Array {
  const reader = DerReader.over(valueDer);
  const keyIdentifier = reader.octetString();
  reader.end();
  return keyIdentifier;
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Uint8Array;
  /** Whether issuer and serial number are given as well, which ties certificates to one certificate of their issuer. */
  readonly namesIssuer: boolean;
}

/** AuthorityKeyIdentifier (RFC 5280 section 4.2.1.1) with the keyIdentifier alone: the issuer's subjectKeyIdentifier, copied.
 *  Not critical. */
export function authorityKeyIdentifier(keyIdentifier: Uint8Array): Uint8Array {
  return buildExtension(OID.authorityKeyIdentifier, false, (writer) => {
    writer.primitive(primitiveContext(0), keyIdentifier);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** SEQUENCE { keyIdentifier [0] OPTIONAL, authorityCertIssuer [1], authorityCertSerialNumber [2], both OPTIONAL } */
export function parseAuthorityKeyIdentifier(valueDer: Uint8Array): AuthorityKeyIdentifier {
  return readSequence(valueDer, (value) => {
    const keyIdentifier = value.nextIs(primitiveContext(0)) ? value.octetString(primitiveContext(0)) : undefined;
    const namesIssuer = !value.atEnd;
    if (namesIssuer) {
      readGeneralNames(value, constructedContext(1));
      value.integer(primitiveContext(2));
    }
    return { keyIdentifier, namesIssuer };
  });
}
