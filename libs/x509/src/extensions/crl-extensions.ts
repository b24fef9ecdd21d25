import { DerReader } from "../der/reader.ts";
import { readGeneralizedTime } from "../der/time.ts";
import { OID } from "../oids.ts";
import { buildExtension } from "./extension.ts";

/** CRLNumber ::= INTEGER (0..MAX) of at most 20 octets (RFC 5280 section 5.2.3). Not critical. */
export function crlNumber(number: number | bigint): Uint8Array {
  return buildExtension(OID.cRLNumber, false, (writer) => writer.integer(number));
}

/** BaseCRLNumber ::= CRLNumber (RFC 5280 section 5.2.4): the complete CRL that this delta starts from. Critical. */
export function deltaCrlIndicator(baseCrlNumber: number | bigint): Uint8Array {
  return buildExtension(OID.deltaCRLIndicator, true, (writer) => writer.integer(baseCrlNumber));
}

/** ExpiredCertsOnCRL ::= GeneralizedTime (X.509 section 9.5.2.8): the CRL keeps certificates that expired after this time. Not
 *  critical. */
export function expiredCertsOnCrl(since: Date): Uint8Array {
  return buildExtension(OID.expiredCertsOnCRL, false, (writer) => writer.generalizedTime(since));
}

export function parseCrlNumber(valueDer: Uint8Array): number {
  const reader = DerReader.over(valueDer);
  const number = reader.smallInteger();
  reader.end();
  return number;
}

export function parseGeneralizedTime(valueDer: Uint8Array): Date {
  const reader = DerReader.over(valueDer);
  const date = readGeneralizedTime(reader);
  reader.end();
  return date;
}
