import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmId } from "./algorithms.ts";
import { equalBytes } from "./der/bytes.ts";
import { malformed } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { TAG } from "./der/tags.ts";
import { encode } from "./der/writer.ts";
import type { Signed } from "./signature.ts";

/** SIGNED{…} ::= SEQUENCE { toBeSigned, algorithmIdentifier, signature BIT STRING }: a Certificate, CertificateList or
 *  CertificationRequest from its parts. The signed octets are copied as they are, never encoded again. */
export function assembleSigned(
  tbsDer: Uint8Array,
  signatureAlgorithm: SignatureAlgorithmId,
  signature: Uint8Array,
): Uint8Array {
  return encode(
    (writer) => {
      writer.bitString(signature);
      writer.raw(SIGNATURE_ALGORITHMS[signatureAlgorithm].algorithmIdentifierDer);
      writer.raw(tbsDer);
      writer.wrap(TAG.SEQUENCE, 0);
    },
    tbsDer.length + signature.length + 128,
  );
}

/** AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }, as it is. Throws DER_MALFORMED. */
export function readAlgorithmIdentifier(reader: DerReader): Uint8Array {
  const der = reader.element(TAG.SEQUENCE);
  DerReader.whole(der, TAG.SEQUENCE, (identifier) => {
    identifier.oid();
    if (!identifier.atEnd) identifier.skipChecked();
  });
  return der;
}

/** The three parts of a signed structure, with nothing behind them. Throws DER_MALFORMED. */
export function parseSigned(der: Uint8Array, maxOctets: number): Signed {
  return DerReader.whole(
    der,
    TAG.SEQUENCE,
    (signed) => ({
      tbsDer: signed.element(TAG.SEQUENCE),
      signatureAlgorithmDer: readAlgorithmIdentifier(signed),
      signature: signed.bitStringOctets(),
    }),
    maxOctets,
  );
}

/** The algorithm stands in what is signed and beside the signature, and has to be the same (RFC 5280 sections 4.1.1.2 and 5.1.1.2). Throws
 *  DER_MALFORMED. */
export function requireSameAlgorithm(tbs: Pick<Signed, "signatureAlgorithmDer">, signed: Signed): void {
  if (!equalBytes(signed.signatureAlgorithmDer, tbs.signatureAlgorithmDer))
    throw malformed("signature algorithm differs inside and outside");
}
