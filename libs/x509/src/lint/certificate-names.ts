import type { TbsCertificate } from "../certificate.ts";
import { attributeValues } from "../name-text.ts";
import { findConstraintViolation } from "../names/constraint-check.ts";
import { isValidDnsName } from "../names/dns.ts";
import { isMailbox } from "../names/email.ts";
import { isAbsoluteUri } from "../names/uri.ts";
import { OID } from "../oids.ts";
import type { Rule } from "./rule.ts";

const NEED_NAMES: readonly string[] = [OID.serverAuth, OID.clientAuth, OID.emailProtection];

/** Rules on the names that are certified. */
export const NAME_RULES: readonly Rule<TbsCertificate>[] = [
  [
    "subject-alt-name-present",
    ({ isCa, subject, extendedKeyUsages = [], known }) =>
      !isCa &&
      !known.subjectAltName &&
      (subject.rdns.length === 0 || extendedKeyUsages.some((purpose) => NEED_NAMES.includes(purpose))) &&
      "subjectAltName is missing",
  ],
  [
    "subject-alt-name-critical",
    ({ subject, extensions }) => {
      const extension = extensions.find(({ oid }) => oid === OID.subjectAltName);
      if (!extension || extension.critical === (subject.rdns.length === 0)) return undefined;
      return "subjectAltName is critical exactly if the subject is empty"; // RFC 5280 section 4.2.1.6
    },
  ],
  [
    "subject-alt-name-forms",
    ({ subjectAltNames: { otherCount, directory } }) =>
      otherCount + directory.length > 0 && "subjectAltName holds other forms than DNS, IP, URI and e-mail",
  ],
  [
    "subject-alt-name-unique",
    ({ subjectAltNames: { dns, ip, uri, email } }) =>
      [dns.map((name) => name.toLowerCase()), ip, uri, email].some((names) => new Set(names).size < names.length) &&
      "a name comes twice",
  ],
  [
    "dns-name",
    ({ subjectAltNames: { dns } }) => {
      const bad = dns.find((name) => !isValidDnsName(name, { wildcard: true }));
      return bad !== undefined && `not a DNS name: ${JSON.stringify(bad)}`;
    },
  ],
  [
    "wildcard-only-servers",
    ({ subjectAltNames: { dns }, extendedKeyUsages = [] }) =>
      dns.some((name) => name.startsWith("*.")) &&
      extendedKeyUsages.join() !== OID.serverAuth &&
      "a wildcard stands in a certificate that is not for servers only",
  ],
  [
    "uri-name",
    ({ subjectAltNames: { uri } }) => {
      const bad = uri.find((name) => !isAbsoluteUri(name));
      return bad !== undefined && `not an absolute URI: ${JSON.stringify(bad)}`;
    },
  ],
  [
    "email-name",
    ({ subjectAltNames: { email } }) => {
      const bad = email.find((name) => !isMailbox(name));
      return bad !== undefined && `not a mailbox: ${JSON.stringify(bad)}`;
    },
  ],
  [
    "common-name-repeats",
    ({ isCa, subject, subjectAltNames: { dns, ip } }) => {
      if (isCa || dns.length === 0) return undefined;
      const bad = attributeValues(subject, OID.commonName).find((name) => ![...dns, ...ip].includes(name));
      return bad !== undefined && `common name ${JSON.stringify(bad)} is not among the subjectAltNames`;
    },
  ],
  [
    "name-constraints",
    ({ subject, subjectAltNames }, issuer) => {
      const constraints = issuer?.known.nameConstraints;
      const bad = constraints && findConstraintViolation(constraints, subject, subjectAltNames);
      return bad && `the issuer's nameConstraints forbid ${bad}`;
    },
  ],
];
