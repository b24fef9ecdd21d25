import {
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
  type SignatureScheme,
  signatureSchemeOf,
} from "./algorithms.ts";
import { equalBytes, toHex } from "./der/bytes.ts";
import { malformed, parsing } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { constructedContext, primitiveContext, TAG } from "./der/tags.ts";
import { readTime } from "./der/time.ts";
import { encode } from "./der/writer.ts";
import type { BasicConstraints } from "./extensions/basic-constraints.ts";
import { type Extension, readExtensions } from "./extensions/extension.ts";
import type { KeyUsage } from "./extensions/key-usage.ts";
import { type KnownExtensions, parseKnownExtensions } from "./extensions/known-extensions.ts";
import { type Name, readName } from "./name.ts";
import type { GeneralNames } from "./names/general-names.ts";
import type { Signed } from "./signature.ts";
import { parseSigned, readAlgorithmIdentifier, requireSameAlgorithm } from "./signed.ts";
import { type KeyAlgorithmName, keyAlgorithmOf } from "./spki.ts";

/** Room for thousands of names and for post-quantum keys. */
const MAX_CERTIFICATE_OCTETS = 256 * 1024;

/** RFC 5280 section 4.1.2.2. */
const MAX_SERIAL_OCTETS = 20;

const NO_NAMES: GeneralNames = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };

/** What a certificate says, signed or about to be (RFC 5280 section 4.1.2). Byte fields share the input's memory. */
export class TbsCertificate {
  readonly tbsDer: Uint8Array;
  /** 1 or 3, rarely 2. */
  readonly version: number;
  /** Content octets of the serial number's INTEGER. */
  readonly serial: Uint8Array;
  readonly signatureAlgorithmDer: Uint8Array;
  readonly issuer: Name;
  readonly notBefore: Date;
  /** The last second in which it is valid. */
  readonly notAfter: Date;
  readonly subject: Name;
  readonly spkiDer: Uint8Array;
  /** The kind of key that is certified; see `keyAlgorithmOf`. */
  readonly keyAlgorithm: KeyAlgorithmName;
  /** Whether issuerUniqueID or subjectUniqueID is there (section 4.1.2.8). */
  readonly hasUniqueIdentifiers: boolean;
  readonly extensions: readonly Extension[];
  /** The values of those extensions that this library understands. */
  readonly known: KnownExtensions;

  /** Throws DER_MALFORMED. */
  constructor(tbsDer: Uint8Array) {
    this.tbsDer = tbsDer;
    const reader = DerReader.over(tbsDer);
    const tbs = reader.enter(TAG.SEQUENCE);
    reader.end();
    this.version = readVersion(tbs);
    this.serial = readSerial(tbs);
    this.signatureAlgorithmDer = readAlgorithmIdentifier(tbs);
    this.issuer = readName(tbs);
    const validity = tbs.enter(TAG.SEQUENCE);
    this.notBefore = readTime(validity);
    this.notAfter = readTime(validity);
    validity.end();
    this.subject = readName(tbs);
    this.spkiDer = tbs.element(TAG.SEQUENCE);
    this.keyAlgorithm = keyAlgorithmOf(this.spkiDer);
    this.hasUniqueIdentifiers = this.version >= 2 && skipUniqueIdentifiers(tbs);
    this.extensions = (this.version === 3 && tbs.optional(constructedContext(3), readExtensions)) || [];
    tbs.end();
    this.known = parseKnownExtensions(this.extensions);
  }

  /** The serial number in lower-case hex, two digits to an octet, without a sign octet. */
  get serialHex(): string {
    return serialToHex(this.serial);
  }

  /** How it is signed. Throws ALGORITHM_NOT_ALLOWED for an algorithm that is not in SIGNATURE_SCHEMES. */
  get signatureAlgorithm(): SignatureScheme {
    return signatureSchemeOf(this.signatureAlgorithmDer);
  }

  get subjectAltNames(): GeneralNames {
    return this.known.subjectAltName ?? NO_NAMES;
  }

  get keyUsage(): readonly KeyUsage[] | undefined {
    return this.known.keyUsage;
  }

  /** Key purposes, dotted. */
  get extendedKeyUsages(): readonly string[] | undefined {
    return this.known.extendedKeyUsages;
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.known.basicConstraints;
  }

  get isCa(): boolean {
    return this.known.basicConstraints?.ca ?? false;
  }

  get subjectKeyIdentifier(): Uint8Array | undefined {
    return this.known.subjectKeyIdentifier;
  }

  get authorityKeyIdentifier(): Uint8Array | undefined {
    return this.known.authorityKeyIdentifier?.keyIdentifier;
  }

  get crlDistributionPoints(): readonly string[] {
    return this.known.crlDistributionPoints ?? [];
  }

  get ocspUrls(): readonly string[] {
    return this.known.authorityInfoAccess?.ocsp ?? [];
  }

  get caIssuerUrls(): readonly string[] {
    return this.known.authorityInfoAccess?.caIssuers ?? [];
  }
}

/** A certificate with its signature, which is not verified here: see `isSignedBy`. */
export class Certificate extends TbsCertificate implements Signed {
  readonly der: Uint8Array;
  readonly signature: Uint8Array;

  /** Throws DER_MALFORMED. */
  constructor(der: Uint8Array) {
    const signed = parseSigned(der, MAX_CERTIFICATE_OCTETS);
    super(signed.tbsDer);
    this.der = der;
    this.signature = signed.signature;
    requireSameAlgorithm(this, signed);
  }

  /** The same for a TBS that has been parsed. Throws DER_MALFORMED when `der` holds another. */
  static of(tbs: TbsCertificate, der: Uint8Array): Certificate {
    const signed = parseSigned(der, MAX_CERTIFICATE_OCTETS);
    if (!equalBytes(signed.tbsDer, tbs.tbsDer)) throw malformed("not what was parsed before");
    requireSameAlgorithm(tbs, signed);
    return Object.assign(Object.create(Certificate.prototype), tbs, { der, signature: signed.signature });
  }
}

/** Certificate ::= SIGNED{TBSCertificate}. Throws CERTIFICATE_MALFORMED. */
export const parseCertificate = (der: Uint8Array): Certificate =>
  parsing("CERTIFICATE_MALFORMED", "certificate", () => new Certificate(der));

/** The certificate that a signature makes of a TBS that has been parsed, which is not read again. Throws CERTIFICATE_MALFORMED, also when
 *  `der` holds another TBS. */
export const completeCertificate = (tbs: TbsCertificate, der: Uint8Array): Certificate =>
  parsing("CERTIFICATE_MALFORMED", "certificate", () => Certificate.of(tbs, der));

/** TBSCertificate alone: what a CA is about to sign. Throws CERTIFICATE_MALFORMED. */
export const parseTbsCertificate = (tbsDer: Uint8Array): TbsCertificate =>
  parsing("CERTIFICATE_MALFORMED", "certificate", () => {
    if (tbsDer.length > MAX_CERTIFICATE_OCTETS) throw malformed("too long");
    return new TbsCertificate(tbsDer);
  });

/** Version ::= INTEGER { v1(0), v2(1), v3(2) } under [0], DEFAULT v1 */
function readVersion(tbs: DerReader): number {
  const version = tbs.optional(constructedContext(0), (field) => field.smallInteger());
  if (version === undefined) return 1;
  if (version !== 1 && version !== 2) throw malformed("no such version");
  return version + 1;
}

/** issuerUniqueID [1] and subjectUniqueID [2], IMPLICIT BIT STRING OPTIONAL. True if there was any. */
function skipUniqueIdentifiers(tbs: DerReader): boolean {
  const present = [primitiveContext(1), primitiveContext(2)].filter((tag) => tbs.nextIs(tag) && tbs.content(tag));
  return present.length > 0;
}

/** Content octets of a serial number that is not negative and has at most 20 octets. Throws DER_MALFORMED. */
export function readSerial(reader: DerReader): Uint8Array {
  const serial = reader.integer();
  if ((serial[0] as number) >= 0x80) throw malformed("serial number is negative");
  if (serial.length > MAX_SERIAL_OCTETS) throw malformed("serial number is longer than 20 octets");
  return serial;
}

export const serialToHex = (serial: Uint8Array): string =>
  toHex(serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial);

export interface TbsCertificateFields {
  /** Content octets of a positive INTEGER in its shortest form: first octet 0x01 to 0x7f, at most 20 octets. */
  readonly serial: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithmId;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly spkiDer: Uint8Array;
  /** Each the DER of an Extension, in the order they are to have. */
  readonly extensions: readonly Uint8Array[];
}

/** DER of a version 3 TBSCertificate (RFC 5280 section 4.1). Names and key are copied octet by octet. */
export function buildTbsCertificate(fields: TbsCertificateFields): Uint8Array {
  return encode((writer) => {
    writer.rawAll(fields.extensions);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(constructedContext(3), 0);
    writer.raw(fields.spkiDer);
    writer.raw(fields.subject.der);
    const validity = writer.mark();
    writer.time(fields.notAfter);
    writer.time(fields.notBefore);
    writer.wrap(TAG.SEQUENCE, validity);
    writer.raw(fields.issuer.der);
    writer.raw(SIGNATURE_ALGORITHMS[fields.signatureAlgorithm].algorithmIdentifierDer);
    writer.primitive(TAG.INTEGER, fields.serial);
    const version = writer.mark();
    writer.integer(2);
    writer.wrap(constructedContext(0), version);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
