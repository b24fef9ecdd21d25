import { hash } from "node:crypto";
import { readSerial, serialToHex, type TbsCertificate } from "../certificate.ts";
import { equalBytes, toLatin1 } from "../der/bytes.ts";
import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { encode } from "../der/writer.ts";
import { algorithmIdentifier } from "../hash-algorithms.ts";
import { OID } from "../oids.ts";
import { readAlgorithmIdentifier } from "../signed.ts";

/** Hashes by which an issuer is named. SHA-1 is what old clients send (RFC 9919 prefers SHA-256); it protects nothing here. */
export type CertIdHash = "sha1" | "sha256";

export const CERT_ID_HASHES: readonly CertIdHash[] = ["sha1", "sha256"];

/** AlgorithmIdentifiers of a hash: parameters NULL, as nearly everyone sends them, or absent (RFC 3370 section 2.1, RFC 5754
 *  section 2). */
const ALGORITHM_IDENTIFIERS: Readonly<Record<CertIdHash, { withNull: Uint8Array; absent: Uint8Array }>> = {
  sha1: { withNull: algorithmIdentifier(OID.sha1, true), absent: algorithmIdentifier(OID.sha1, false) },
  sha256: { withNull: algorithmIdentifier(OID.sha256, true), absent: algorithmIdentifier(OID.sha256, false) },
};

const HASH_OCTETS: Readonly<Record<CertIdHash, number>> = { sha1: 20, sha256: 32 };

/** An issuer as the CertIDs of one hash algorithm name it. */
export interface IssuerHashes {
  readonly hashAlgorithm: CertIdHash;
  /** Over the DER of the issuer's Name. */
  readonly issuerNameHash: Uint8Array;
  /** Over the content of the key's BIT STRING, without tag, length and unused bits. */
  readonly issuerKeyHash: Uint8Array;
  /** Equals `issuerKey` of the CertIDs that name this issuer. For maps. */
  readonly issuerKey: string;
}

/** How OCSP names this certificate as an issuer (RFC 6960 section 4.1.1). */
export function issuerHashes(issuer: TbsCertificate): Readonly<Record<CertIdHash, IssuerHashes>> {
  return { sha1: hashesOf(issuer, "sha1"), sha256: hashesOf(issuer, "sha256") };
}

function hashesOf(issuer: TbsCertificate, hashAlgorithm: CertIdHash): IssuerHashes {
  const key = DerReader.whole(issuer.spkiDer, TAG.SEQUENCE, (spki) => {
    spki.element(TAG.SEQUENCE);
    return spki.bitStringOctets();
  });
  const issuerNameHash = new Uint8Array(hash(hashAlgorithm, issuer.subject.der, "buffer"));
  const issuerKeyHash = new Uint8Array(hash(hashAlgorithm, key, "buffer"));
  const issuerKey = toLatin1(issuerNameHash) + toLatin1(issuerKeyHash);
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, issuerKey };
}

/** DER of the CertID of the certificate that this issuer gave this serial number (content octets of its INTEGER). The hash's
 *  parameters are NULL, as in other clients, unless asked otherwise. */
export function buildCertId(
  issuer: IssuerHashes,
  serial: Uint8Array,
  parameters: "withNull" | "absent" = "withNull",
): Uint8Array {
  return encode((writer) => {
    writer.primitive(TAG.INTEGER, serial);
    writer.octetString(issuer.issuerKeyHash);
    writer.octetString(issuer.issuerNameHash);
    writer.raw(ALGORITHM_IDENTIFIERS[issuer.hashAlgorithm][parameters]);
    writer.wrap(TAG.SEQUENCE, 0);
  }, 128);
}

/** Which certificate is meant. Byte fields share the input's memory. */
export class CertId {
  /** As it came: an answer repeats it octet by octet. */
  readonly der: Uint8Array;
  readonly hashAlgorithmDer: Uint8Array;
  /** undefined: some other algorithm, under which nobody knows an issuer. */
  readonly hashAlgorithm: CertIdHash | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Content octets of the serial number's INTEGER. */
  readonly serial: Uint8Array;

  /** CertID ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING, issuerKeyHash OCTET STRING,
   *  serialNumber CertificateSerialNumber } (RFC 6960 section 4.1.1). Throws DER_MALFORMED. */
  constructor(der: Uint8Array) {
    this.der = der;
    const id = DerReader.over(der).enter(TAG.SEQUENCE);
    this.hashAlgorithmDer = readAlgorithmIdentifier(id);
    this.hashAlgorithm = CERT_ID_HASHES.find((name) => isHash(name, this.hashAlgorithmDer));
    this.issuerNameHash = id.octetString();
    this.issuerKeyHash = id.octetString();
    this.serial = readSerial(id);
    id.end();
    if (this.hashAlgorithm === undefined) return;
    const octets = HASH_OCTETS[this.hashAlgorithm];
    if (this.issuerNameHash.length !== octets || this.issuerKeyHash.length !== octets) {
      throw malformed("hash in a CertID is not of its algorithm's length");
    }
  }

  /** Dotted. */
  get hashAlgorithmOid(): string {
    return DerReader.over(this.hashAlgorithmDer).enter(TAG.SEQUENCE).oid();
  }

  /** Names the issuer among the `issuerKey`s of `issuerHashes`; undefined for other hash algorithms. */
  get issuerKey(): string | undefined {
    if (this.hashAlgorithm === undefined) return undefined;
    return toLatin1(this.issuerNameHash) + toLatin1(this.issuerKeyHash);
  }

  get serialHex(): string {
    return serialToHex(this.serial);
  }

  /** True if this is the certificate with this serial number of that issuer. */
  matches(issuer: Readonly<Record<CertIdHash, IssuerHashes>>, serial: Uint8Array): boolean {
    if (this.hashAlgorithm === undefined) return false;
    const expected = issuer[this.hashAlgorithm];
    return (
      equalBytes(this.issuerNameHash, expected.issuerNameHash) &&
      equalBytes(this.issuerKeyHash, expected.issuerKeyHash) &&
      equalBytes(this.serial, serial)
    );
  }
}

function isHash(name: CertIdHash, der: Uint8Array): boolean {
  const { withNull, absent } = ALGORITHM_IDENTIFIERS[name];
  return equalBytes(der, withNull) || equalBytes(der, absent);
}

export const readCertId = (reader: DerReader): CertId => new CertId(reader.element(TAG.SEQUENCE));
