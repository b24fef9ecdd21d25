import type { TbsCertificate } from "../certificate.ts";
import type { KeyUsage } from "../extensions/key-usage.ts";
import { OID } from "../oids.ts";
import type { Rule } from "./rule.ts";

/** What an end entity's key can do, by the beginning of its kind (RFC 3279, 5480, 8410; checklist: no key agreement here). */
const END_ENTITY_USAGES: readonly (readonly [prefix: string, usages: readonly KeyUsage[]])[] = [
  ["rsa-", ["digitalSignature", "nonRepudiation", "keyEncipherment"]],
  ["ec-", ["digitalSignature", "nonRepudiation"]],
  ["ed25519", ["digitalSignature", "nonRepudiation"]],
];
const CA_USAGES: readonly KeyUsage[] = ["keyCertSign", "cRLSign", "digitalSignature"];

/** Purposes that stand alone in a certificate. */
const ALONE: readonly string[] = [OID.timeStamping, OID.ocspSigning, OID.codeSigning];
const TLS: readonly string[] = [OID.serverAuth, OID.clientAuth];

/** Rules on keyUsage and extKeyUsage. */
export const USAGE_RULES: readonly Rule<TbsCertificate>[] = [
  ["key-usage-present", ({ keyUsage }) => !keyUsage && "keyUsage is missing"],
  [
    "key-usage-of-ca",
    ({ isCa, keyUsage = [] }) =>
      isCa &&
      !(keyUsage.includes("keyCertSign") && keyUsage.every((usage) => CA_USAGES.includes(usage))) &&
      "a CA's keyUsage is keyCertSign, with cRLSign and digitalSignature at most",
  ],
  ["key-usage-by-key-type", (tbs) => !tbs.isCa && findUnfitUsage(tbs)],
  [
    "extended-key-usage-present",
    ({ isCa, extendedKeyUsages }) => !isCa && !extendedKeyUsages && "extKeyUsage is missing",
  ],
  [
    "any-extended-key-usage",
    ({ extendedKeyUsages }) =>
      extendedKeyUsages?.includes(OID.anyExtendedKeyUsage) &&
      "anyExtendedKeyUsage opens the certificate to every purpose",
  ],
  [
    "extended-key-usage-alone",
    ({ isCa, extendedKeyUsages = [] }) =>
      !isCa &&
      extendedKeyUsages.length > 1 &&
      extendedKeyUsages.some((purpose) => ALONE.includes(purpose)) &&
      "timeStamping, OCSPSigning and codeSigning each stand alone",
  ],
  [
    "time-stamping",
    ({ isCa, extendedKeyUsages, extensions }) =>
      !isCa &&
      extendedKeyUsages?.includes(OID.timeStamping) &&
      !extensions.some(({ oid, critical }) => oid === OID.extKeyUsage && critical) &&
      "extKeyUsage of a time-stamping unit must be critical", // RFC 3161 section 2.3
  ],
  [
    "signing-key-usage",
    ({ isCa, extendedKeyUsages = [], keyUsage = [] }) =>
      !isCa &&
      extendedKeyUsages.some((purpose) => ALONE.includes(purpose)) &&
      !(keyUsage.includes("digitalSignature") && !keyUsage.includes("keyEncipherment")) &&
      "a signer's keyUsage is digitalSignature, with nonRepudiation at most",
  ],
  [
    "ca-ocsp-signing",
    ({ isCa, extendedKeyUsages }) =>
      isCa && extendedKeyUsages?.includes(OID.ocspSigning) && "a CA with OCSPSigning could vouch for itself",
  ],
  [
    "ca-purposes-apart",
    ({ isCa, extendedKeyUsages = [] }) =>
      isCa &&
      [TLS, [OID.codeSigning], [OID.timeStamping]].filter((group) => group.some((p) => extendedKeyUsages.includes(p)))
        .length > 1 &&
      "a CA serves TLS, code signing or time-stamping, not several of them",
  ],
  [
    "extended-key-usage-nested",
    ({ extendedKeyUsages = [] }, issuer) => {
      const admitted = issuer?.extendedKeyUsages;
      // The CA's own delegated responder is not among the purposes it is limited to.
      const bad = admitted && extendedKeyUsages.find((p) => p !== OID.ocspSigning && !admitted.includes(p));
      return bad && `key purpose ${bad} is not among the issuer's`;
    },
  ],
];

function findUnfitUsage({ keyAlgorithm, keyUsage = [] }: TbsCertificate): string | undefined {
  const [, admitted = []] = END_ENTITY_USAGES.find(([prefix]) => keyAlgorithm.startsWith(prefix)) ?? [];
  const bad = keyUsage.find((usage) => !admitted.includes(usage));
  return bad && `keyUsage ${bad} does not go with an end entity's ${keyAlgorithm} key`;
}
