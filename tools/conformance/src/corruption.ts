export interface Corruption {
  readonly name: string;
  corrupt(der: Uint8Array): Uint8Array;
}

/** What accident or malice does to bytes. Each works on any SIGNED structure (Certificate, CertificateList). */
export const CORRUPTIONS: readonly Corruption[] = [
  { name: "flipped signature bit", corrupt: (der) => flip(der, der.length - 1) },
  { name: "changed TBS byte", corrupt: (der) => flip(der, lastSecondsDigit(der)) },
  { name: "trailing byte", corrupt: (der) => Uint8Array.of(...der, 0) },
  { name: "last byte missing", corrupt: (der) => der.subarray(0, -1) },
  { name: "over-long length", corrupt: lengthenLength },
];

function flip(der: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(der);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** Index of the last digit before the "Z" of the first Time (notBefore, thisUpdate): flipping its low bit leaves a valid time. */
function lastSecondsDigit(der: Uint8Array): number {
  const utcTime = Buffer.from(der).indexOf(Uint8Array.of(0x17, 13));
  if (utcTime === -1) throw new Error("no UTCTime in this structure");
  return utcTime + 2 + 11;
}

/** BER allows the outer length with a leading zero octet, DER does not (X.690 section 10.1). */
function lengthenLength(der: Uint8Array): Uint8Array {
  const lengthOctets = (der[1] ?? 0) & 0x7f;
  if (((der[1] ?? 0) & 0x80) === 0) return Uint8Array.of(der[0] ?? 0, 0x81, ...der.subarray(1));
  return Uint8Array.of(der[0] ?? 0, 0x80 | (lengthOctets + 1), 0, ...der.subarray(2));
}
