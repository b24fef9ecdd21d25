import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import type { DerWriter } from "../der/writer.ts";
import { GENERAL_NAME, readGeneralNames, writeIa5 } from "../names/general-names.ts";
import { OID } from "../oids.ts";
import { buildExtension, readSequence } from "./extension.ts";

/** CRLDistributionPoints (RFC 5280 section 4.2.1.13), one distribution point for each URL. Not critical. */
export const crlDistributionPoints = (urls: readonly string[]): Uint8Array =>
  distributionPoints(OID.cRLDistributionPoints, urls);

/** FreshestCRL (RFC 5280 sections 4.2.1.15 and 5.2.6): where the delta CRLs are. Not critical. */
export const freshestCrl = (urls: readonly string[]): Uint8Array => distributionPoints(OID.freshestCRL, urls);

/** SEQUENCE SIZE (1..MAX) OF DistributionPoint ::= SEQUENCE { distributionPoint [0], reasons [1], cRLIssuer [2] } */
function distributionPoints(oid: string, urls: readonly string[]): Uint8Array {
  if (urls.length === 0) throw new RangeError("distribution points without a URL");
  return buildExtension(oid, false, (writer) => {
    for (const url of urls.toReversed()) {
      const end = writer.mark();
      writeDistributionPointName(writer, [url]);
      writer.wrap(TAG.SEQUENCE, end);
    }
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** DistributionPointName ::= CHOICE { fullName [0] GeneralNames, … }, itself under [0] */
function writeDistributionPointName(writer: DerWriter, urls: readonly string[]): void {
  const end = writer.mark();
  for (const url of urls.toReversed()) writeIa5(writer, GENERAL_NAME.uri, url);
  writer.wrap(constructedContext(0), end);
  writer.wrap(constructedContext(0), end);
}

/** The URLs of all distribution points; directory names among them are passed over. */
export function parseDistributionPoints(valueDer: Uint8Array): string[] {
  const reader = DerReader.over(valueDer);
  const urls = reader.listOf(TAG.SEQUENCE, (list) =>
    list.within(TAG.SEQUENCE, (point) => {
      if (point.atEnd) throw malformed("empty distribution point");
      const name = readDistributionPointName(point);
      if (point.nextIs(primitiveContext(1))) point.namedBits(primitiveContext(1));
      if (point.nextIs(constructedContext(2))) readGeneralNames(point, constructedContext(2));
      return name ?? [];
    }),
  );
  reader.end();
  return urls.flat();
}

function readDistributionPointName(reader: DerReader): readonly string[] | undefined {
  return reader.optional(constructedContext(0), (name) => {
    if (name.nextIs(constructedContext(0))) return readGeneralNames(name, constructedContext(0)).uri;
    name.skipChecked(); // nameRelativeToCRLIssuer
    return [];
  });
}

/** What a CRL covers (RFC 5280 section 5.2.5). */
export interface IssuingDistributionPoint {
  /** Whether it says where it is published, by URLs or otherwise. */
  readonly isNamed: boolean;
  /** Where it is published: byte for byte a URL of the certificates' cRLDistributionPoints. */
  readonly urls: readonly string[];
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCaCerts: boolean;
  /** True if it covers some revocation reasons only. */
  readonly onlySomeReasons: boolean;
  readonly indirectCrl: boolean;
  readonly onlyContainsAttributeCerts: boolean;
}

/** IssuingDistributionPoint with the fields we issue. Critical. FALSE is omitted; an empty SEQUENCE is not allowed. */
export function issuingDistributionPoint({
  urls = [],
  onlyContainsUserCerts = false,
  onlyContainsCaCerts = false,
}: Partial<Pick<IssuingDistributionPoint, "urls" | "onlyContainsUserCerts" | "onlyContainsCaCerts">>): Uint8Array {
  if (onlyContainsUserCerts && onlyContainsCaCerts)
    throw new RangeError("a CRL for user certificates only and CA ones only");
  if (urls.length === 0 && !onlyContainsUserCerts && !onlyContainsCaCerts)
    throw new RangeError("empty distribution point");
  return buildExtension(OID.issuingDistributionPoint, true, (writer) => {
    if (onlyContainsCaCerts) writer.boolean(true, primitiveContext(2));
    if (onlyContainsUserCerts) writer.boolean(true, primitiveContext(1));
    if (urls.length > 0) writeDistributionPointName(writer, urls);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export function parseIssuingDistributionPoint(valueDer: Uint8Array): IssuingDistributionPoint {
  return readSequence(valueDer, (value) => {
    if (value.atEnd) throw malformed("empty issuingDistributionPoint");
    const name = readDistributionPointName(value);
    const onlyContainsUserCerts = value.booleanDefaultFalse(primitiveContext(1));
    const onlyContainsCaCerts = value.booleanDefaultFalse(primitiveContext(2));
    const onlySomeReasons = value.nextIs(primitiveContext(3));
    if (onlySomeReasons) value.namedBits(primitiveContext(3));
    const indirectCrl = value.booleanDefaultFalse(primitiveContext(4));
    const onlyContainsAttributeCerts = value.booleanDefaultFalse(primitiveContext(5));
    return {
      isNamed: name !== undefined,
      urls: name ?? [],
      onlyContainsUserCerts,
      onlyContainsCaCerts,
      onlySomeReasons,
      indirectCrl,
      onlyContainsAttributeCerts,
    };
  });
}
