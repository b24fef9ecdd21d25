import {
  type Certificate,
  type CertificateList,
  OID,
  parseCertificate,
  pemEncode,
  type RevocationReason,
  validatePath,
} from "../src/index.ts";
import { NOT_AFTER, NOT_BEFORE } from "./authority.ts";
import { type ListFields, makeIssuer, makeList, makeServer, makeUnit, type Party, type PartyFields } from "./chain.ts";
import { openssl } from "./openssl.ts";

export interface Chain {
  readonly leaf: Certificate;
  readonly candidates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly crls: readonly CertificateList[];
  readonly at: Date;
}

export interface Parties {
  readonly root: Party;
  readonly middle: Party;
  readonly ca: Party;
  readonly leaf: Party;
}

/** How a chain differs from the usual one: root, two CAs, a time-stamping unit, and the lists of all issuers. */
export interface Spec {
  readonly root?: PartyFields;
  readonly middle?: PartyFields;
  readonly ca?: PartyFields;
  readonly unit?: PartyFields;
  /** A server instead of the unit. */
  readonly server?: PartyFields;
  readonly at?: Date;
  readonly lists?: (parties: Parties) => CertificateList[];
  readonly tamper?: (chain: Chain, parties: Parties) => Partial<Chain>;
}

export const AT = new Date("2026-11-02T12:00:00Z");

export const secondsAfter = (date: Date, count: number): Date => new Date(date.getTime() + count * 1000);

export function buildChain({ root: rootFields, middle: middleFields, ca: caFields, ...spec }: Spec): Chain {
  const root = makeIssuer("Root", rootFields);
  const middle = makeIssuer("Middle", middleFields, root);
  const ca = makeIssuer("CA", caFields, middle);
  const leaf = spec.server ? makeServer(ca, spec.server) : makeUnit(ca, spec.unit);
  const parties = { root, middle, ca, leaf };
  const chain = {
    leaf: leaf.certificate,
    candidates: [ca.certificate, middle.certificate],
    anchors: [root.certificate],
    crls: spec.lists?.(parties) ?? lists(parties),
    at: spec.at ?? AT,
  };
  return { ...chain, ...spec.tamper?.(chain, parties) };
}

/** The lists of all issuers; the last CA's differs by these fields. */
export function lists({ root, middle, ca }: Parties, fields: ListFields = {}): CertificateList[] {
  const times = { thisUpdate: NOT_BEFORE, nextUpdate: NOT_AFTER };
  return [makeList(root, times), makeList(middle, times), makeList(ca, { ...times, ...fields })];
}

/** The lists of all issuers, with an entry on one of them. */
export function revoking(
  { root, middle, ca }: Parties,
  by: Party,
  { certificate: { serial } }: Party,
  reason: RevocationReason = "superseded",
): CertificateList[] {
  const revoked = [{ serial, revocationDate: secondsAfter(AT, -3600), reason }];
  return [root, middle, ca].map((issuer) => makeList(issuer, issuer === by ? { revoked } : {}));
}

/** The same certificate with one bit of its signature flipped. */
export function flipped({ der }: Certificate): Certificate {
  const other = Uint8Array.from(der);
  other[other.length - 1] = (other.at(-1) as number) ^ 1;
  return parseCertificate(other);
}

/** "ok" or our first reason, and whether OpenSSL accepts the same. */
export function verdicts(spec: Spec): { ours: string; openssl: boolean } {
  const chain = buildChain(spec);
  return {
    ours: ourVerdict(chain, spec.server ? OID.serverAuth : OID.timeStamping),
    openssl: isAcceptedByOpenssl(chain, spec.server ? "sslserver" : "timestampsign"),
  };
}

function ourVerdict({ leaf, candidates, anchors, crls, at }: Chain, purpose: string): string {
  const result = validatePath({
    ...{ certificate: leaf, candidates, anchors, at, purpose },
    ...{ revocation: { crls }, requireRevocation: true },
  });
  return result.ok ? "ok" : (result.reasons[0]?.reason ?? "without a reason");
}

function isAcceptedByOpenssl({ leaf, candidates, anchors, crls, at }: Chain, purpose: string): boolean {
  const pem = (certificates: readonly Certificate[]) =>
    certificates.map(({ der }) => pemEncode("CERTIFICATE", der)).join("");
  const files = {
    "anchors.pem": pem(anchors),
    "candidates.pem": pem(candidates),
    "leaf.pem": pem([leaf]),
    "crls.pem": crls.map(({ der }) => pemEncode("X509 CRL", der)).join(""),
  };
  const rules = ["-x509_strict", "-policy", "2.5.29.32.0", "-crl_check_all", "-auth_level", "2", "-purpose", purpose];
  const time = ["-attime", String(Math.floor(at.getTime() / 1000))];
  const trust = ["-CAfile", "anchors.pem", "-CRLfile", "crls.pem"];
  const untrusted = candidates.length > 0 ? ["-untrusted", "candidates.pem"] : [];
  try {
    return openssl(["verify", ...rules, ...time, ...trust, ...untrusted, "leaf.pem"], files).includes(": OK");
  } catch (error) {
    // Anything but a refusal is a mistake in this file.
    const { stdout = "" } = error as { stdout?: string };
    if (!stdout.includes("leaf.pem: verification failed")) throw error;
    return false;
  }
}
