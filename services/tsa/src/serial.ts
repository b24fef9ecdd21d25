import { randomFillSync } from "node:crypto";
import type { Clock } from "@vcc-pki/time";

const SERIAL_OCTETS = 20;
const RANDOM_OFFSET = 4;
const RANDOM_OCTETS = SERIAL_OCTETS - RANDOM_OFFSET;

/** 2020-01-01. The first octet is above zero from 2021 and below 0x80 until 2088, so that all numbers are as long as each other. */
const EPOCH_SECONDS = 1_577_836_800;

/** Makes serial numbers: the content octets of a positive INTEGER of 160 bits (RFC 3161 section 2.4.2), of which 128 come from the random
 *  number generator: no counter that a restored backup would set back, and nothing for replicas to agree on.
 *
 *     4  seconds since 2020: newest numbers sort last, which keeps the database's indexes growing at one end
 *    16  random */
export class SerialSource {
  readonly #clock: Clock;
  readonly #fillRandom: (octets: Uint8Array) => void;
  readonly #random = new Uint8Array(RANDOM_OCTETS * 256);
  #randomUsed = this.#random.length;

  constructor(clock: Clock, fillRandom: (octets: Uint8Array) => void = randomFillSync) {
    this.#clock = clock;
    this.#fillRandom = fillRandom;
  }

  next(): Uint8Array {
    const serial = new Uint8Array(SERIAL_OCTETS);
    const seconds = Math.floor(this.#clock.now().getTime() / 1_000) - EPOCH_SECONDS;
    new DataView(serial.buffer).setUint32(0, Math.min(Math.max(seconds, 0x0100_0000), 0x7fff_ffff));
    serial.set(this.#takeRandom(), RANDOM_OFFSET);
    return serial;
  }

  #takeRandom(): Uint8Array {
    if (this.#randomUsed === this.#random.length) {
      this.#fillRandom(this.#random);
      this.#randomUsed = 0;
    }
    this.#randomUsed += RANDOM_OCTETS;
    return this.#random.subarray(this.#randomUsed - RANDOM_OCTETS, this.#randomUsed);
  }
}
