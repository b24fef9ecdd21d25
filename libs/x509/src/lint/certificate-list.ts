import type { Certificate } from "../certificate.ts";
import type { LookAtEntry, TbsCertList, TbsCertListHead } from "../crl.ts";
import type { RevokedEntry } from "../crl-entry.ts";
import { equalBytes } from "../der/bytes.ts";
import { isKnown } from "../extensions/known-extensions.ts";
import { isAbsoluteUri } from "../names/uri.ts";
import { OID } from "../oids.ts";
import { findAlgorithmMismatch } from "./certificate-fields.ts";
import type { Finding, Rule } from "./rule.ts";

/** Extensions of a CRL and whether each is critical (RFC 5280 section 5.2). */
const CRITICALITY: Readonly<Record<string, boolean>> = {
  [OID.authorityKeyIdentifier]: false,
  [OID.cRLNumber]: false,
  [OID.deltaCRLIndicator]: true,
  [OID.issuingDistributionPoint]: true,
  [OID.freshestCRL]: false,
  [OID.authorityInfoAccess]: false,
  [OID.expiredCertsOnCRL]: false,
};

/** Rules on a CRL (RFC 5280 section 5). */
export const CRL_RULES: readonly Rule<TbsCertList, Certificate>[] = [
  ["version-2", ({ version }) => version !== 2 && "version is not 2"],
  [
    "issuer-name",
    (crl, issuer) =>
      !equalBytes(crl.issuer.der, issuer.subject.der) && "issuer is not the CA's subject octet for octet",
  ],
  ["issuer-may-sign-crls", (_, issuer) => !issuer.keyUsage?.includes("cRLSign") && "the issuer may not sign CRLs"],
  ["signature-algorithm", (crl, issuer) => findAlgorithmMismatch(crl, issuer.keyAlgorithm)],
  [
    "authority-key-identifier",
    ({ authorityKeyIdentifier, known }, issuer) => {
      const expected = issuer.subjectKeyIdentifier;
      const agrees = authorityKeyIdentifier && expected && equalBytes(authorityKeyIdentifier, expected);
      return (!agrees || known.authorityKeyIdentifier?.namesIssuer) && "authorityKeyIdentifier is not the CA's key";
    },
  ],
  ["crl-number", ({ crlNumber }) => crlNumber === undefined && "cRLNumber is missing"],
  ["next-update", ({ nextUpdate }) => nextUpdate === undefined && "nextUpdate is missing"],
  [
    "update-order",
    ({ thisUpdate, nextUpdate }) => nextUpdate && nextUpdate <= thisUpdate && "nextUpdate is not after thisUpdate",
  ],
  [
    "criticality",
    ({ extensions }) => {
      const bad = extensions.find(({ oid, critical }) => critical !== (CRITICALITY[oid] ?? false));
      return bad && `extension ${bad.oid} has the wrong criticality`;
    },
  ],
  [
    "known-extensions",
    ({ extensions }) => {
      const bad = extensions.find(({ oid }) => !(isKnown(oid) && Object.hasOwn(CRITICALITY, oid)));
      return bad && `extension ${bad.oid} is not one of a CRL that we understand`;
    },
  ],
  [
    "delta-base",
    ({ known: { crlNumber, deltaCrlIndicator } }) =>
      crlNumber !== undefined &&
      deltaCrlIndicator !== undefined &&
      deltaCrlIndicator >= crlNumber &&
      "a delta CRL's base is not older than itself",
  ],
  [
    "delta-without-freshest",
    ({ known }) => known.deltaCrlIndicator !== undefined && known.freshestCrl && "freshestCRL stands in a delta CRL", // section 5.2.6
  ],
  [
    "distribution-point",
    ({ known: { issuingDistributionPoint: point } }) => {
      if (point?.indirectCrl || point?.onlySomeReasons) return "indirect CRLs and CRLs by reason are not issued here";
      const scopes = [point?.onlyContainsUserCerts, point?.onlyContainsCaCerts, point?.onlyContainsAttributeCerts];
      if (scopes.filter(Boolean).length > 1) return "more than one onlyContains in issuingDistributionPoint";
      const bad = point?.urls.find(isNotHttp);
      return bad !== undefined && `not an http URL: ${bad}`;
    },
  ],
  [
    "freshest-crl-urls",
    ({ known: { freshestCrl: urls } }) => {
      if (urls?.length === 0) return "freshestCRL without a URL";
      const bad = urls?.find(isNotHttp);
      return bad !== undefined && `not an http URL: ${bad}`;
    },
  ],
  [
    "expired-certificates",
    ({ known, thisUpdate }) =>
      known.expiredCertsOnCrl && known.expiredCertsOnCrl > thisUpdate && "expiredCertsOnCRL is after thisUpdate",
  ],
];

/** Lists are fetched without TLS: its certificate would have to be checked by a list (RFC 5280 section 8). */
const isNotHttp = (url: string): boolean => !(url.startsWith("http://") && isAbsoluteUri(url));

type EntryRule = readonly [
  rule: string,
  check: (entry: RevokedEntry, crl: TbsCertListHead) => string | false | undefined,
];

/** Rules on each entry (RFC 5280 section 5.3). */
export const CRL_ENTRY_RULES: readonly EntryRule[] = [
  [
    "revocation-date",
    (entry, { thisUpdate }) => entry.revocationDate > thisUpdate && `${entry.serialHex} is revoked after thisUpdate`,
  ],
  [
    "reason-unspecified-absent",
    (entry) =>
      entry.reason === "unspecified" &&
      entry.extensions.some(({ oid }) => oid === OID.reasonCode) &&
      `reasonCode unspecified is encoded for ${entry.serialHex}`,
  ],
  [
    "remove-from-crl",
    (entry, { known }) =>
      entry.reason === "removeFromCRL" &&
      known.deltaCrlIndicator === undefined &&
      `removeFromCRL in a complete CRL, ${entry.serialHex}`,
  ],
  [
    "invalidity-date",
    (entry) =>
      entry.invalidityDate &&
      entry.invalidityDate > entry.revocationDate &&
      `${entry.serialHex} became invalid after it was revoked`,
  ],
  [
    "entry-criticality",
    (entry) => entry.extensions.some(({ critical }) => critical) && `critical entry extension for ${entry.serialHex}`,
  ],
];

/** Findings on the entries, at most one to a rule. */
export class EntryFindings {
  readonly #byRule = new Map<string, Finding>();
  #last: Uint8Array = new Uint8Array();
  #isAscending = true;

  readonly look: LookAtEntry = (entry, crl) => {
    this.#isAscending &&= Buffer.compare(this.#last, entry.serial) < 0;
    this.#last = entry.serial;
    for (const [rule, check] of CRL_ENTRY_RULES) {
      const message = check(entry, crl);
      if (message) this.#byRule.set(rule, { rule, message });
    }
  };

  /** What was found in the list that was looked at. Entries in the order of their serial numbers, as we write them, are seen to be
   *  different while they pass; of others, all are remembered. */
  of(crl: TbsCertList): Finding[] {
    const twice = this.#isAscending ? undefined : findTwice(crl);
    if (twice) this.#byRule.set("entry-unique", { rule: "entry-unique", message: `${twice} comes twice` });
    return [...this.#byRule.values()];
  }
}

function findTwice(crl: TbsCertList): string | undefined {
  const serials = new Set<string>();
  for (const { serialHex } of crl.revoked()) {
    if (serials.has(serialHex)) return serialHex;
    serials.add(serialHex);
  }
  return undefined;
}
