import type { TbsCertificate } from "../certificate.ts";
import { equalBytes } from "../der/bytes.ts";

/** Issuer and subject carry the same name, as in a CA's new certificate under its old key (RFC 5280 section 3.2). */
export const isSelfIssued = ({ issuer, subject }: TbsCertificate): boolean => equalBytes(issuer.der, subject.der);
