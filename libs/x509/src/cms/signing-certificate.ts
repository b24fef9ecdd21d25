import { hash } from "node:crypto";
import type { Certificate } from "../certificate.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import { OID } from "../oids.ts";
import { buildAttribute } from "./attributes.ts";

/**
 * The attribute signingCertificateV2: which certificate this signature is to be verified with (RFC 5035 section 3, for time stamps RFC
 * 5816). One ESSCertIDv2 with SHA-256, which as the DEFAULT is not encoded, and with issuerSerial.
 *
 *     SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, policies SEQUENCE OF PolicyInformation OPTIONAL }
 *     ESSCertIDv2 ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier DEFAULT {id-sha256}, certHash OCTET STRING,
 *       issuerSerial IssuerSerial OPTIONAL }
 *     IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber CertificateSerialNumber }
 */
export function signingCertificateV2({ der, issuer, serial }: Certificate): Uint8Array {
  return buildAttribute(OID.signingCertificateV2, (writer) => {
    writer.primitive(TAG.INTEGER, serial);
    const names = writer.mark();
    writer.primitive(constructedContext(4), issuer.der); // directoryName
    writer.wrap(TAG.SEQUENCE, names);
    writer.wrap(TAG.SEQUENCE, 0); // IssuerSerial
    writer.octetString(hash("sha256", der, "buffer"));
    for (const _ of ["ESSCertIDv2", "certs", "SigningCertificateV2"]) writer.wrap(TAG.SEQUENCE, 0);
  });
}
