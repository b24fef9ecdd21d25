import { readSerial, serialToHex } from "./certificate.ts";
import { malformed } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { TAG } from "./der/tags.ts";
import { readGeneralizedTime, readTime } from "./der/time.ts";
import type { DerWriter } from "./der/writer.ts";
import { type Extension, readExtensions } from "./extensions/extension.ts";
import { OID } from "./oids.ts";

/** CRLReason ::= ENUMERATED (RFC 5280 section 5.3.1). 7 is not used. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

const REASON_BY_NUMBER = new Map(
  Object.entries(REVOCATION_REASONS).map(([reason, number]) => [number as number, reason as RevocationReason]),
);

/** An entry to put on a CRL. */
export interface RevokedCertificate {
  /** Content octets of the serial number's INTEGER. */
  readonly serial: Uint8Array;
  readonly revocationDate: Date;
  readonly reason?: RevocationReason;
  /** Since when the key is known or suspected to be compromised. */
  readonly invalidityDate?: Date;
}

/**
 * Writes one entry of revokedCertificates (RFC 5280 section 5.1.2.6):
 * SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions Extensions OPTIONAL }.
 * The reason unspecified is expressed by leaving the extension out (section 5.3.1).
 */
export function writeRevoked(writer: DerWriter, entry: RevokedCertificate): void {
  const { serial, revocationDate, reason = "unspecified", invalidityDate } = entry;
  const end = writer.mark();
  if (invalidityDate !== undefined) {
    writer.generalizedTime(invalidityDate);
    wrapExtension(writer, OID.invalidityDate, end);
  }
  if (reason !== "unspecified") {
    const reasonEnd = writer.mark();
    writer.octet(REVOCATION_REASONS[reason]);
    writer.wrap(TAG.ENUMERATED, reasonEnd);
    wrapExtension(writer, OID.reasonCode, reasonEnd);
  }
  if (writer.mark() > end) writer.wrap(TAG.SEQUENCE, end);
  writer.time(revocationDate);
  writer.primitive(TAG.INTEGER, serial);
  writer.wrap(TAG.SEQUENCE, end);
}

function wrapExtension(writer: DerWriter, oid: string, end: number): void {
  writer.wrap(TAG.OCTET_STRING, end);
  writer.oid(oid);
  writer.wrap(TAG.SEQUENCE, end);
}

/** An entry found on a CRL. Byte fields share the input's memory. */
export class RevokedEntry implements RevokedCertificate {
  readonly serial: Uint8Array;
  readonly revocationDate: Date;
  readonly reason: RevocationReason;
  readonly invalidityDate: Date | undefined;
  readonly extensions: readonly Extension[];

  /** A critical entry extension that we do not know makes the CRL unusable, so it is refused. Throws DER_MALFORMED. */
  constructor(list: DerReader) {
    const entry = list.enter(TAG.SEQUENCE);
    this.serial = readSerial(entry);
    this.revocationDate = readTime(entry);
    this.extensions = entry.atEnd ? NO_EXTENSIONS : readExtensions(entry);
    entry.end();
    let reason: RevocationReason = "unspecified";
    let invalidityDate: Date | undefined;
    for (const { oid, critical, valueDer } of this.extensions) {
      if (oid === OID.reasonCode) reason = parseReason(valueDer);
      else if (oid === OID.invalidityDate) invalidityDate = parseInvalidityDate(valueDer);
      else if (critical) throw malformed(`unknown critical entry extension ${oid}`);
    }
    this.reason = reason;
    this.invalidityDate = invalidityDate;
  }

  /** The serial number as certificates have it in `serialHex`. Made when asked for: long lists are mostly counted. */
  get serialHex(): string {
    return serialToHex(this.serial);
  }
}

const NO_EXTENSIONS: readonly Extension[] = [];

function parseReason(valueDer: Uint8Array): RevocationReason {
  const reader = DerReader.over(valueDer);
  const reason = readRevocationReason(reader);
  reader.end();
  return reason;
}

/** CRLReason, here and in OCSP. Throws DER_MALFORMED. */
export function readRevocationReason(reader: DerReader): RevocationReason {
  const reason = REASON_BY_NUMBER.get(reader.smallInteger(TAG.ENUMERATED));
  if (reason === undefined) throw malformed("no such revocation reason");
  return reason;
}

function parseInvalidityDate(valueDer: Uint8Array): Date {
  const reader = DerReader.over(valueDer);
  const date = readGeneralizedTime(reader);
  reader.end();
  return date;
}
