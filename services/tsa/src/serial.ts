import { randomFillSync } from "node:crypto";
import type { Clock } from "@vcc-pki/time";

const SERIAL_OCTETS = 20;
const RANDOM_OFFSET = 4;
const RANDOM_OCTETS = SERIAL_OCTETS - RANDOM_OFFSET;

/** Time is counted in these steps, and anew after 124 days. */
const STEP_MS = 10;
const STEPS = 2 ** 30;
/** Keeps the first octet between 0x40 and 0x7f: all numbers are positive and as long as each other. */
const LEAD = 0x4000_0000;

/** Makes serial numbers: the content octets of a positive INTEGER of 160 bits (RFC 3161 section 2.4.2), of which 128 come from the random
 *  number generator: no counter that a restored backup would set back, and nothing for replicas to agree on.
 *
 *     4  01, then 30 bits of the time: neighbours in time are neighbours in the indexes of the database, and of the hsm-gateway's
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
    const steps = Math.floor(this.#clock.now().getTime() / STEP_MS) % STEPS;
    new DataView(serial.buffer).setUint32(0, LEAD + steps);
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
