import { malformed } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { TAG } from "./der/tags.ts";
import { type DerWriter, encode } from "./der/writer.ts";

/*
 * ECDSA signatures have two forms: r || s, each as wide as the group order (PKCS#11, JOSE, WebCrypto), and
 * ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 section 2.2.3; X.509, CMS, TLS). This is the one place
 * that converts. Whether r and s lie below the order is for the verification to say; zero is refused here.
 */

/** r || s of even length to DER. Throws DER_MALFORMED. */
export function rawEcdsaToDer(raw: Uint8Array): Uint8Array {
  const size = raw.length / 2;
  if (!Number.isInteger(size) || size === 0) throw malformed("r || s has odd length");
  return encode(
    (writer) => {
      writePositive(writer, raw.subarray(size));
      writePositive(writer, raw.subarray(0, size));
      writer.wrap(TAG.SEQUENCE, 0);
    },
    2 * size + 16,
  );
}

/** DER to r || s, each padded on the left to `size` octets (32 for P-256, 66 for P-521). Throws DER_MALFORMED. */
export function ecdsaDerToRaw(der: Uint8Array, size: number): Uint8Array {
  return DerReader.whole(der, TAG.SEQUENCE, (value) => {
    const raw = new Uint8Array(2 * size);
    for (const end of [size, 2 * size]) {
      const integer = value.integer();
      if ((integer[0] as number) >= 0x80) throw malformed("negative number in an ECDSA signature");
      const digits = integer[0] === 0 ? integer.subarray(1) : integer;
      if (digits.length === 0) throw malformed("zero in an ECDSA signature");
      if (digits.length > size) throw malformed("number too large for the curve in an ECDSA signature");
      raw.set(digits, end - digits.length);
    }
    return raw;
  });
}

function writePositive(writer: DerWriter, padded: Uint8Array): void {
  const first = padded.findIndex((octet) => octet !== 0);
  if (first === -1) throw malformed("zero in an ECDSA signature");
  const end = writer.mark();
  writer.raw(padded.subarray(first));
  if ((padded[first] as number) >= 0x80) writer.octet(0);
  writer.wrap(TAG.INTEGER, end);
}
