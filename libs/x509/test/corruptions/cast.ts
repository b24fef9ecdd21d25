import {
  buildTimeStampReq,
  extendedKeyUsage,
  imprintData,
  OID,
  parseCertificate,
  parseTimeStampToken,
} from "../../src/index.ts";
import { type Extensions, type LeafOverrides, leafTbs, NOT_AFTER } from "../authority.ts";
import {
  type Craft,
  craftSignerInfo,
  craftToken,
  type SignerCraft,
  sorted,
  usualAttributes,
} from "../crafted-token.ts";
import { makeKey } from "../keys.ts";
import { makeUnit, TEST_POLICY, type TestUnit, type UnitOptions } from "../time-stamping-unit.ts";

/** What is wrong, the token, the first of our checks that fails, and why `openssl ts -verify` accepts it, where it does. */
export type Row = readonly [what: string, token: Uint8Array, check: string, overlookedByOpenssl?: string];

/** What was stamped. */
export const DATA = Buffer.from("what was there at this time");
export const messageImprint = imprintData("sha256", DATA);
export const NONCE = Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x9a);
/** What all of them are answers to. */
export const requestDer = buildTimeStampReq({ messageImprint, nonce: NONCE, certReq: true, reqPolicy: TEST_POLICY });

/** For some judges a certificate must be valid today as well. */
const lasting = (options: UnitOptions = {}): TestUnit =>
  makeUnit({ ...options, certificate: { notAfter: NOT_AFTER, ...options.certificate } });

/** Whose tokens are corrupted. */
export const unit = lasting();
export const stranger = lasting();
export const stamp = (by: TestUnit = unit): Uint8Array => by.stamp({ messageImprint, nonce: NONCE });
export const byUnitWith = (extensions: Extensions, certificate: Omit<LeafOverrides, "extensions"> = {}): Uint8Array =>
  stamp(lasting({ ca: unit.ca, extensions, certificate }));
export const underPolicy = (policy: string): Uint8Array => stamp(lasting({ ca: unit.ca, template: { policy } }));

export const sound = stamp();
export const { tstInfoDer, signedData } = parseTimeStampToken(sound);
export const usual = usualAttributes(unit, tstInfoDer);

export const withSigner = (craft: SignerCraft, token: Craft = {}): Uint8Array =>
  craftToken(unit, tstInfoDer, { signerInfos: [craftSignerInfo(unit, tstInfoDer, craft)], ...token });
export const withAttributes = (change: Record<string, Uint8Array | undefined>): Uint8Array =>
  withSigner({ attributes: sorted(Object.values({ ...usual, ...change }).filter((value) => value !== undefined)) });
/** Another TSTInfo under a true signature. */
export const withContent = (content: Uint8Array): Uint8Array =>
  craftToken(unit, content, { signerInfos: [craftSignerInfo(unit, content)] });
export const flipped = (der: Uint8Array, part: Uint8Array, at = part.length - 1): Uint8Array => {
  const start = Buffer.from(der).indexOf(part);
  if (start === -1) throw new Error("nothing to flip");
  return der.with(start + at, (der[start + at] as number) ^ 1);
};

/** A certificate with the unit's name and serial number for another key. It comes first where certificates are in the order of DER. */
export const sameName = madeUntil(
  () =>
    parseCertificate(
      unit.ca.sign(
        leafTbs(unit.ca, {
          ...{ serial: unit.certificate.serial, spkiDer: makeKey().spkiDer, notAfter: NOT_AFTER },
          extensions: {
            extendedKeyUsage: extendedKeyUsage([OID.timeStamping], true),
            subjectAltName: new Uint8Array(),
          },
        }),
      ),
    ),
  ({ der }) => Buffer.compare(der, unit.certificate.der) < 0,
);

function madeUntil<T>(make: () => T, isWanted: (made: T) => boolean): T {
  for (;;) {
    const made = make();
    if (isWanted(made)) return made;
  }
}
