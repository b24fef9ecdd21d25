import type { Database } from "@vcc-pki/store";
import { parseCertificate } from "@vcc-pki/x509";
import { searchTerms, type TermRange } from "../search.ts";
import {
  type CertificateRow,
  type CertificateStatus,
  COLUMNS,
  SAME_CERTIFICATE,
  toCertificateStatus,
} from "./certificates.ts";
import { selectNamed } from "./name-index.ts";

export type CertificateState = "valid" | "revoked" | "expired";

export interface CertificateFilter {
  readonly organisation: string;
  readonly authorityId?: string;
  readonly profile?: string;
  readonly state?: CertificateState;
  readonly name?: TermRange;
  readonly expiresBefore?: Date;
}

/** Where a page ended: the values of the columns that give the order. */
export interface Cursor {
  readonly key: string | number;
  readonly serialHex: string;
}

export interface CertificatePage {
  readonly certificates: CertificateStatus[];
  /** undefined: there are no more. */
  readonly next: Cursor | undefined;
}

/** Rows looked at for one page, however few of them fulfil the filter: what keeps a page within milliseconds. */
const MAX_EXAMINED = 2_000;

/** Later than any serial number in the order of blobs. */
const LAST_SERIAL = "ff".repeat(21);

type ListedRow = CertificateRow & { term: string | null };

interface Scan {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** What stands beside the serial number in the order. */
  key(row: ListedRow): string | number;
}

/** Lists certificates: an index gives the order, the remaining conditions are looked at row by row. */
export class CertificateList {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  page(filter: CertificateFilter, after: Cursor | undefined, size: number, now: Date): CertificatePage {
    const scan = chooseScan(filter, after, now);
    const rows = this.#db.prepare<unknown[], ListedRow>(scan.sql).iterate(...scan.parameters);
    const certificates: CertificateStatus[] = [];
    let examined = 0;
    for (const row of rows) {
      examined++;
      const certificate = toCertificateStatus(row);
      if (fulfils(certificate, row.term, filter, now)) certificates.push(certificate);
      if (certificates.length === size || examined === MAX_EXAMINED) {
        return { certificates, next: { key: scan.key(row), serialHex: row.serial.toString("hex") } };
      }
    }
    return { certificates, next: undefined };
  }
}

/** The index that fits the filter best: by name, by expiry, by revocation, by profile, else by age. */
function chooseScan(filter: CertificateFilter, after: Cursor | undefined, now: Date): Scan {
  const { organisation, name, state, expiresBefore, profile } = filter;
  if (name) return name.exact ? byName(organisation, name.from, after) : byNames(organisation, name, after);
  if (expiresBefore) return soonestExpiring(organisation, expiresBefore, state === "valid" ? now : undefined, after);
  if (state === "expired") return latestExpired(organisation, now, after);
  if (state === "revoked") return newestRevoked(organisation, after);
  return newest(organisation, profile, after);
}

const SELECT = `SELECT ${COLUMNS}, NULL AS term`;
const WITH_REVOCATION = `LEFT JOIN revocations r ON ${SAME_CERTIFICATE}`;

const serialOf = (after: Cursor | undefined, start: string): Buffer => Buffer.from(after?.serialHex ?? start, "hex");
const noKey = () => "";

function newest(organisation: string, profile: string | undefined, after: Cursor | undefined): Scan {
  const ofProfile = profile === undefined ? "" : "AND c.profile = ?";
  return {
    sql: `${SELECT} FROM certificates c ${WITH_REVOCATION} WHERE c.organisation = ? ${ofProfile} AND c.serial < ? ORDER BY c.serial DESC`,
    parameters: [organisation, ...(profile === undefined ? [] : [profile]), serialOf(after, LAST_SERIAL)],
    key: noKey,
  };
}

function newestRevoked(organisation: string, after: Cursor | undefined): Scan {
  return {
    sql: `${SELECT} FROM revocations r CROSS JOIN certificates c ON ${SAME_CERTIFICATE}
      WHERE r.organisation = ? AND r.serial < ? ORDER BY r.serial DESC`,
    parameters: [organisation, serialOf(after, LAST_SERIAL)],
    key: noKey,
  };
}

function soonestExpiring(organisation: string, before: Date, from: Date | undefined, after: Cursor | undefined): Scan {
  const start = from === undefined ? 0 : lastExpired(from);
  return {
    sql: `${SELECT} FROM certificates c ${WITH_REVOCATION}
      WHERE c.organisation = ? AND c.not_after < ? AND (c.not_after, c.serial) > (?, ?) ORDER BY c.not_after, c.serial`,
    parameters: [organisation, before.getTime(), Number(after?.key ?? start), serialOf(after, "")],
    key: (row) => row.not_after,
  };
}

function latestExpired(organisation: string, now: Date, after: Cursor | undefined): Scan {
  return {
    sql: `${SELECT} FROM certificates c ${WITH_REVOCATION}
      WHERE c.organisation = ? AND (c.not_after, c.serial) < (?, ?) ORDER BY c.not_after DESC, c.serial DESC`,
    parameters: [organisation, Number(after?.key ?? lastExpired(now)), serialOf(after, LAST_SERIAL)],
    key: (row) => row.not_after,
  };
}

/** One name, newest first. */
function byName(organisation: string, name: string, after: Cursor | undefined): Scan {
  const parameters = [organisation, name, serialOf(after, LAST_SERIAL)];
  return {
    sql: selectNamed(COLUMNS, "n.organisation = ? AND n.term = ? AND n.serial < ?", "named_serial DESC"),
    parameters: [...parameters, ...parameters],
    key: noKey,
  };
}

/** A range of names in their order, newest first within each. */
function byNames(organisation: string, { from, to }: TermRange, after: Cursor | undefined): Scan {
  const term = String(after?.key ?? from);
  const where = "n.organisation = ? AND n.term >= ? AND n.term < ? AND (n.term > ? OR n.serial < ?)";
  const parameters = [organisation, term, to, term, serialOf(after, LAST_SERIAL)];
  return {
    sql: selectNamed(COLUMNS, where, "term, named_serial DESC"),
    parameters: [...parameters, ...parameters],
    key: (row) => row.term ?? "",
  };
}

function fulfils(certificate: CertificateStatus, term: string | null, filter: CertificateFilter, now: Date): boolean {
  const { authorityId, profile, state, expiresBefore, name } = filter;
  if (authorityId !== undefined && certificate.authorityId !== authorityId) return false;
  if (profile !== undefined && certificate.profile !== profile) return false;
  if (expiresBefore !== undefined && certificate.notAfter >= expiresBefore) return false;
  if (state !== undefined && stateOf(certificate, now) !== state) return false;
  return name === undefined || name.exact || term === firstTerm(certificate, name);
}

/** A certificate with several names in the range is listed once, under the first. */
function firstTerm({ certificateDer }: CertificateStatus, range: TermRange): string | undefined {
  const { subjectAltNames } = parseCertificate(certificateDer);
  return searchTerms(subjectAltNames).filter(range.matches).toSorted()[0];
}

/** notAfter is the last second of validity, so a certificate that has just expired has one this long ago. */
const lastExpired = (now: Date): number => now.getTime() - 1_000;

export function stateOf({ revocation, notAfter }: CertificateStatus, now: Date): CertificateState {
  if (revocation) return "revoked";
  return notAfter.getTime() <= lastExpired(now) ? "expired" : "valid";
}
