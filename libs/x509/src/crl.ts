import {
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
  type SignatureScheme,
  signatureSchemeOf,
} from "./algorithms.ts";
import { type RevokedCertificate, RevokedEntry, writeRevoked } from "./crl-entry.ts";
import { equalBytes } from "./der/bytes.ts";
import { malformed, parsing } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { constructedContext, TAG } from "./der/tags.ts";
import { readTime } from "./der/time.ts";
import { encode } from "./der/writer.ts";
import { type Extension, readExtensions } from "./extensions/extension.ts";
import { type KnownExtensions, parseKnownExtensions } from "./extensions/known-extensions.ts";
import { type Name, readName } from "./name.ts";
import type { Signed } from "./signature.ts";
import { parseSigned, readAlgorithmIdentifier, requireSameAlgorithm } from "./signed.ts";

/** Some four million entries. */
const MAX_CRL_OCTETS = 256 * 1024 * 1024;

/** Called for each entry of a list in turn. */
export type LookAtEntry = (entry: RevokedEntry, list: TbsCertListHead) => void;

/** What a CRL says but for its entries, which are not read (RFC 5280 section 5.1.2). Byte fields share the input's memory. */
export class TbsCertListHead {
  readonly tbsDer: Uint8Array;
  /** 1 or 2. */
  readonly version: number;
  readonly signatureAlgorithmDer: Uint8Array;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly Extension[];
  readonly known: KnownExtensions;
  /** The revokedCertificates field; undefined when there is none. */
  protected readonly revokedDer: Uint8Array | undefined;

  /** Throws DER_MALFORMED. */
  constructor(tbsDer: Uint8Array) {
    this.tbsDer = tbsDer;
    const reader = DerReader.over(tbsDer);
    const tbs = reader.enter(TAG.SEQUENCE);
    reader.end();
    this.version = tbs.nextIs(TAG.INTEGER) ? tbs.smallInteger() + 1 : 1;
    if (tbs.nextIs(TAG.INTEGER) || this.version > 2) throw malformed("no such version");
    this.signatureAlgorithmDer = readAlgorithmIdentifier(tbs);
    this.issuer = readName(tbs);
    this.thisUpdate = readTime(tbs);
    const hasNextUpdate = tbs.nextIs(TAG.UTC_TIME) || tbs.nextIs(TAG.GENERALIZED_TIME);
    this.nextUpdate = hasNextUpdate ? readTime(tbs) : undefined;
    this.revokedDer = tbs.nextIs(TAG.SEQUENCE) ? tbs.element() : undefined;
    this.extensions = (this.version === 2 && tbs.optional(constructedContext(0), readExtensions)) || [];
    tbs.end();
    this.known = parseKnownExtensions(this.extensions);
  }

  /** How it is signed. Throws ALGORITHM_NOT_ALLOWED. */
  get signatureAlgorithm(): SignatureScheme {
    return signatureSchemeOf(this.signatureAlgorithmDer);
  }

  get crlNumber(): bigint | undefined {
    return this.known.crlNumber;
  }

  get authorityKeyIdentifier(): Uint8Array | undefined {
    return this.known.authorityKeyIdentifier?.keyIdentifier;
  }
}

/** All that a CRL says, signed or about to be. */
export class TbsCertList extends TbsCertListHead {
  readonly revokedCount: number;
  #bySerial: Map<string, RevokedEntry> | undefined;

  /** Throws DER_MALFORMED. Every entry is read once, so that iterating later cannot fail, and shown to `look`. */
  constructor(tbsDer: Uint8Array, look?: LookAtEntry) {
    super(tbsDer);
    let revokedCount = 0;
    for (const entry of this.revoked()) {
      look?.(entry, this);
      revokedCount++;
    }
    this.revokedCount = revokedCount;
    // An empty list is expressed by leaving the field out (section 5.1.2.6).
    if (this.revokedDer !== undefined && this.revokedCount === 0) throw malformed("empty revokedCertificates");
  }

  /** The entries in their order. */
  *revoked(): Generator<RevokedEntry> {
    if (this.revokedDer === undefined) return;
    const list = DerReader.over(this.revokedDer).enter(TAG.SEQUENCE);
    while (!list.atEnd) yield new RevokedEntry(list);
  }

  /** The entry of a certificate by `serialHex`. The first call builds an index of the whole list. */
  findRevoked(serialHex: string): RevokedEntry | undefined {
    this.#bySerial ??= new Map(this.revoked().map((entry) => [entry.serialHex, entry]));
    return this.#bySerial.get(serialHex);
  }
}

/** A CRL with its signature, which is not verified here: see `isSignedBy`. */
export class CertificateList extends TbsCertList implements Signed {
  readonly der: Uint8Array;
  readonly signature: Uint8Array;

  /** Throws DER_MALFORMED. */
  constructor(der: Uint8Array) {
    const signed = parseSigned(der, MAX_CRL_OCTETS);
    super(signed.tbsDer);
    this.der = der;
    this.signature = signed.signature;
    requireSameAlgorithm(this, signed);
  }
}

/** CertificateList ::= SIGNED{TBSCertList}. Throws CRL_MALFORMED. */
export const parseCertificateList = (der: Uint8Array): CertificateList =>
  parsing("CRL_MALFORMED", "CRL", () => new CertificateList(der));

/** What a signature makes of a list that has been parsed, whose entries are not read again. Throws CRL_MALFORMED, also when `der` holds
 *  another list. */
export const completeCertificateList = (tbs: TbsCertList, der: Uint8Array): Signed =>
  parsing("CRL_MALFORMED", "CRL", () => {
    const signed = parseSigned(der, MAX_CRL_OCTETS);
    if (!equalBytes(signed.tbsDer, tbs.tbsDer)) throw malformed("not what was parsed before");
    requireSameAlgorithm(tbs, signed);
    return signed;
  });

/** TBSCertList alone: what a CA is about to sign. `look` sees every entry. Throws CRL_MALFORMED. */
export const parseTbsCertList = (tbsDer: Uint8Array, look?: LookAtEntry): TbsCertList =>
  parsingTbs(tbsDer, () => new TbsCertList(tbsDer, look));

/** The same without its entries, which may be millions. Throws CRL_MALFORMED. */
export const parseTbsCertListHead = (tbsDer: Uint8Array): TbsCertListHead =>
  parsingTbs(tbsDer, () => new TbsCertListHead(tbsDer));

const parsingTbs = <T>(tbsDer: Uint8Array, parse: () => T): T =>
  parsing("CRL_MALFORMED", "CRL", () => {
    if (tbsDer.length > MAX_CRL_OCTETS) throw malformed("too long");
    return parse();
  });

export interface TbsCertListFields {
  readonly signatureAlgorithm: SignatureAlgorithmId;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: Iterable<RevokedCertificate>;
  /** Each the DER of an Extension, in the order they are to have. */
  readonly extensions: readonly Uint8Array[];
}

/** DER of a version 2 TBSCertList (RFC 5280 section 5.1). Without entries the field is absent. */
export function buildTbsCertList(fields: TbsCertListFields): Uint8Array {
  const revoked = [...fields.revoked];
  return encode(
    (writer) => {
      writer.rawAll(fields.extensions);
      writer.wrap(TAG.SEQUENCE, 0);
      writer.wrap(constructedContext(0), 0);
      const entries = writer.mark();
      for (let i = revoked.length - 1; i >= 0; i--) writeRevoked(writer, revoked[i] as RevokedCertificate);
      if (revoked.length > 0) writer.wrap(TAG.SEQUENCE, entries);
      writer.time(fields.nextUpdate);
      writer.time(fields.thisUpdate);
      writer.raw(fields.issuer.der);
      writer.raw(SIGNATURE_ALGORITHMS[fields.signatureAlgorithm].algorithmIdentifierDer);
      writer.integer(1);
      writer.wrap(TAG.SEQUENCE, 0);
    },
    1024 + 64 * revoked.length,
  );
}
