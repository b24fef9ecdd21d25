import { toHex } from "../der/bytes.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { readGeneralizedTime } from "../der/time.ts";
import { OID } from "../oids.ts";
import { buildExtension } from "./extension.ts";

const MAX_CRL_NUMBER_OCTETS = 20;

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

export function parseCrlNumber(valueDer: Uint8Array): bigint {
  const reader = DerReader.over(valueDer);
  const number = reader.integer();
  reader.end();
  if ((number[0] as number) >= 0x80 || number.length > MAX_CRL_NUMBER_OCTETS) throw malformed("cRLNumber out of range");
  return BigInt(`0x${toHex(number)}`);
}

export function parseGeneralizedTime(valueDer: Uint8Array): Date {
  const reader = DerReader.over(valueDer);
  const date = readGeneralizedTime(reader);
  reader.end();
  return date;
}
