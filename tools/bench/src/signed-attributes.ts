import { randomBytes } from "node:crypto";
import { encode, OID, TAG } from "@vcc-pki/x509";

const ID_CT_TST_INFO = "1.2.840.113549.1.9.16.1.4";

/** What a time-stamping unit has signed for each token: SET OF Attribute with contentType and messageDigest (RFC 5652 section 5.4). */
export const buildTimeStampAttributes = (): Uint8Array =>
  encode((writer) => {
    writer.octetString(randomBytes(32));
    writer.wrap(TAG.SET, 0);
    writer.oid(OID.messageDigest);
    writer.wrap(TAG.SEQUENCE, 0);
    const end = writer.mark();
    writer.oid(ID_CT_TST_INFO);
    writer.wrap(TAG.SET, end);
    writer.oid(OID.contentType);
    writer.wrap(TAG.SEQUENCE, end);
    writer.wrap(TAG.SET, 0);
  });
