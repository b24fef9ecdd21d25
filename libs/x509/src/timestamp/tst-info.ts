/** Up to 160 bits (RFC 3161 section 2.4.2), and a sign octet. */
export const MAX_SERIAL_OCTETS = 21;

/** Largest deviation of genTime from UTC, in parts that add up. */
export interface Accuracy {
  readonly seconds?: number;
  /** 1 to 999; 0 is the same as absent. */
  readonly millis?: number;
  /** 1 to 999; 0 is the same as absent. */
  readonly micros?: number;
}
