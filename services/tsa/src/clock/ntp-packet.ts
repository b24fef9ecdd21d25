/** Octets of a packet without extension fields or authenticator. */
export const NTP_PACKET_OCTETS = 48;
export const NTP_VERSION = 4;
export const NTP_MODE_SERVER = 4;
const NTP_MODE_CLIENT = 3;

/** The header of RFC 5905 section 7.3, times in milliseconds. */
export interface NtpPacket {
  /** 0 none, 1 a second is inserted, 2 one is deleted, 3 not synchronised. */
  readonly leapIndicator: number;
  readonly version: number;
  readonly mode: number;
  /** 0 in a kiss-of-death packet, 16 and more if not synchronised. */
  readonly stratum: number;
  readonly precisionMs: number;
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
  /** As it reads: letters at stratum 0 and 1, else 8 lower-case hex digits. */
  readonly reference: string;
  /** 64-bit timestamps of RFC 5905 section 6: seconds of an era and 2^-32 parts. */
  readonly referenceTimestamp: bigint;
  readonly originTimestamp: bigint;
  readonly receiveTimestamp: bigint;
  readonly transmitTimestamp: bigint;
}

/** A question of which nothing can be learned: all zero but version, mode and the transmit timestamp, which is `cookie`, 8 random octets. The
 *  server sends them back as its origin timestamp; who cannot see the question cannot answer it. */
export function buildNtpRequest(cookie: Uint8Array): Uint8Array {
  const octets = new Uint8Array(NTP_PACKET_OCTETS);
  octets[0] = (NTP_VERSION << 3) | NTP_MODE_CLIENT;
  octets.set(cookie.subarray(0, 8), 40);
  return octets;
}

/** Reads the header. `octets` has at least 48; what follows them is the caller's to judge. */
export function parseNtpPacket(octets: Uint8Array): NtpPacket {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const first = view.getUint8(0);
  const stratum = view.getUint8(1);
  return {
    leapIndicator: first >> 6,
    version: (first >> 3) & 7,
    mode: first & 7,
    stratum,
    precisionMs: 1_000 * 2 ** view.getInt8(3),
    rootDelayMs: shortToMs(view.getUint32(4)),
    rootDispersionMs: shortToMs(view.getUint32(8)),
    reference: readReference(octets.subarray(12, 16), stratum),
    referenceTimestamp: view.getBigUint64(16),
    originTimestamp: view.getBigUint64(24),
    receiveTimestamp: view.getBigUint64(32),
    transmitTimestamp: view.getBigUint64(40),
  };
}

/** Short format of RFC 5905 section 6: 16 bits of seconds, 16 of their parts. */
const shortToMs = (value: number): number => (value / 2 ** 16) * 1_000;

function readReference(octets: Uint8Array, stratum: number): string {
  const letters = Buffer.from(octets).toString("latin1").replace(/\0+$/, "");
  return stratum <= 1 && /^[\x21-\x7e]+$/.test(letters) ? letters : Buffer.from(octets).toString("hex");
}

/** Seconds from 1900, where era 0 of NTP begins, to 1970. */
const SECONDS_1900_TO_1970 = 2_208_988_800;

/** Milliseconds since 1970 as the timestamp of whatever era they are in. */
export function toNtpTimestamp(unixMs: number): bigint {
  const seconds = Math.floor(unixMs / 1_000);
  const parts = Math.floor(((unixMs - seconds * 1_000) / 1_000) * 2 ** 32);
  return BigInt.asUintN(64, (BigInt(seconds + SECONDS_1900_TO_1970) << 32n) + BigInt(parts));
}

/** Milliseconds from one timestamp to another. Right across the end of an era (2036 and so on) while the two are within 68 years of each
 *  other, because the difference is taken modulo 2^64 first (RFC 5905 section 6). */
export const ntpDifferenceMs = (later: bigint, earlier: bigint): number =>
  (Number(BigInt.asIntN(64, later - earlier)) / 2 ** 32) * 1_000;
