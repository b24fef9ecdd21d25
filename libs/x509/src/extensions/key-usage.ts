import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { primitiveContext, TAG } from "../der/tags.ts";
import { readGeneralizedTime } from "../der/time.ts";
import { OID } from "../oids.ts";
import { buildExtension, readSequence } from "./extension.ts";

/** Named bits of KeyUsage in their order (RFC 5280 section 4.2.1.3). */
export const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

/** KeyUsage ::= BIT STRING (RFC 5280 section 4.2.1.3), at least one bit. Critical. */
export function keyUsage(usages: readonly KeyUsage[]): Uint8Array {
  if (usages.length === 0) throw new RangeError("keyUsage without a usage");
  return buildExtension(OID.keyUsage, true, (writer) =>
    writer.namedBits(usages.map((usage) => KEY_USAGES.indexOf(usage))),
  );
}

export function parseKeyUsage(valueDer: Uint8Array): KeyUsage[] {
  const reader = DerReader.over(valueDer);
  const bits = reader.namedBits();
  reader.end();
  if (bits.length === 0) throw malformed("keyUsage without a usage");
  return bits.map((bit) => {
    const usage = KEY_USAGES[bit];
    if (usage === undefined) throw malformed("unknown bit in keyUsage");
    return usage;
  });
}

/** ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId (RFC 5280 section 4.2.1.12), in dotted form. A time-stamping
 *  certificate needs it critical (RFC 3161 section 2.3). */
export function extendedKeyUsage(purposeOids: readonly string[], critical = false): Uint8Array {
  if (purposeOids.length === 0) throw new RangeError("extKeyUsage without a purpose");
  return buildExtension(OID.extKeyUsage, critical, (writer) => {
    for (const oid of purposeOids.toReversed()) writer.oid(oid);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export function parseExtendedKeyUsage(valueDer: Uint8Array): string[] {
  const reader = DerReader.over(valueDer);
  const purposes = reader.listOf(TAG.SEQUENCE, (list) => list.oid());
  reader.end();
  if (new Set(purposes).size !== purposes.length) throw malformed("key purpose comes twice");
  return purposes;
}

export interface PrivateKeyUsagePeriod {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** PrivateKeyUsagePeriod ::= SEQUENCE { notBefore [0], notAfter [1] GeneralizedTime } (RFC 3280 section 4.2.1.4; RFC 5280 dropped
 *  it from its profile, time-stamping kept it). Not critical. */
export function privateKeyUsagePeriod({ notBefore, notAfter }: PrivateKeyUsagePeriod): Uint8Array {
  return buildExtension(OID.privateKeyUsagePeriod, false, (writer) => {
    if (notAfter !== undefined) writer.generalizedTime(notAfter, primitiveContext(1));
    if (notBefore !== undefined) writer.generalizedTime(notBefore, primitiveContext(0));
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export function parsePrivateKeyUsagePeriod(valueDer: Uint8Array): PrivateKeyUsagePeriod {
  return readSequence(valueDer, (value) => {
    const [notBefore, notAfter] = [0, 1].map((number) =>
      value.nextIs(primitiveContext(number)) ? readGeneralizedTime(value, primitiveContext(number)) : undefined,
    );
    if (notBefore === undefined && notAfter === undefined) throw malformed("empty privateKeyUsagePeriod");
    return { notBefore, notAfter };
  });
}
