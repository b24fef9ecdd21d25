import {
  authorityKeyIdentifier,
  buildTbsCertList,
  crlNumber,
  deltaCrlIndicator,
  expiredCertsOnCrl,
  freshestCrl,
  issuingDistributionPoint,
  type RevokedCertificate,
} from "@vcc-pki/x509";
import type { ListPlan } from "./crl-rules.ts";
import type { Issuer } from "./issuer.ts";
import type { StoredCrl } from "./store/crls.ts";
import type { ListKey } from "./store/lists.ts";
import type { PublicUrls } from "./urls.ts";

/** Whose list this is and what holds for all lists of the shard. */
export interface ListScope {
  readonly key: ListKey;
  readonly issuer: Issuer;
  readonly plan: ListPlan;
  /** What has expired stays on it. */
  readonly archives: boolean;
  readonly urls: PublicUrls;
}

export interface ListContent {
  readonly crlNumber: number;
  /** Of a delta list: the full list whose changes it tells. */
  readonly baseNumber?: number | undefined;
  readonly thisUpdate: Date;
  /** nextUpdate - thisUpdate, unless the issuer ends before. */
  readonly validityMs: number;
  /** Up to where in the status log the entries say everything. */
  readonly logSequence: number;
  readonly entries: readonly RevokedCertificate[];
}

/** A list ready to be signed (RFC 5280 section 5). */
export function buildList(scope: ListScope, content: ListContent): StoredCrl {
  const { key, issuer } = scope;
  const { thisUpdate, validityMs, baseNumber, logSequence } = content;
  const entries = content.entries.map((entry) => notAfter(entry, thisUpdate));
  const nextUpdate = new Date(Math.min(thisUpdate.getTime() + validityMs, issuer.facts.notAfter.getTime()));
  const tbsDer = buildTbsCertList({
    ...{ thisUpdate, nextUpdate, revoked: entries },
    ...{ signatureAlgorithm: issuer.signer.algorithm, issuer: issuer.certificate.subject },
    extensions: extensionsOf(scope, content),
  });
  return {
    ...{ ...key, kind: baseNumber === undefined ? "full" : "delta", crlNumber: content.crlNumber, baseNumber },
    ...{ logSequence, entries: entries.length, state: "pending", thisUpdate, nextUpdate, tbsDer },
    ...{ approvalId: undefined, crlDer: undefined },
  };
}

function extensionsOf(
  { key, issuer, plan, archives, urls }: ListScope,
  { crlNumber: number, baseNumber }: ListContent,
) {
  const { authorityId, crlShard } = key;
  const isFull = baseNumber === undefined;
  return [
    authorityKeyIdentifier(issuer.facts.keyIdentifier),
    crlNumber(number),
    ...(isFull ? [] : [deltaCrlIndicator(baseNumber)]),
    // The same in both kinds, or they would not be of one scope (section 5.2.4): the address of the full list. The root has one list for
    // all, and its own certificate names none: OpenSSL's check of every certificate of a chain would find no list for it.
    issuingDistributionPoint({
      urls: plan.isRoot ? [] : [urls.crl(authorityId, crlShard)],
      onlyContainsCaCerts: plan.scope === "authorities",
      onlyContainsUserCerts: plan.scope === "end-entities",
    }),
    ...(isFull && plan.hasDeltas ? [freshestCrl([urls.deltaCrl(authorityId, crlShard)])] : []),
    // X.509 section 9.5.2.8: nothing that ever expired has been taken off.
    ...(isFull && archives ? [expiredCertsOnCrl(issuer.certificate.notBefore)] : []),
  ];
}

/** An entry from before the clock was set back: a list does not tell the future. */
function notAfter(entry: RevokedCertificate, thisUpdate: Date): RevokedCertificate {
  const { revocationDate, invalidityDate } = entry;
  if (revocationDate <= thisUpdate) return entry;
  const isLater = invalidityDate !== undefined && invalidityDate > thisUpdate;
  return { ...entry, revocationDate: thisUpdate, invalidityDate: isLater ? thisUpdate : invalidityDate };
}

/** Seconds is all that a list can say. */
export const wholeSecond = (date: Date): Date => new Date(Math.floor(date.getTime() / 1_000) * 1_000);
