import { randomFillSync } from "node:crypto";
import type { Clock } from "@vcc-pki/time";

export const SERIAL_OCTETS = 19;

const RANDOM_OFFSET = 9;
const RANDOM_OCTETS = 10;
const COUNTER_MAX = 0xffff;

/** Makes serial numbers: the content octets of a positive INTEGER of 19 octets, in which 80 bits come from the random number
 *  generator (RFC 5280 section 4.1.2.2 admits 20 octets).
 *
 *     1  generation, 0x01..0x7f: raised after a restore, so that nothing issued since the backup repeats
 *     6  milliseconds since 1970: newest numbers sort last, which keeps the database's indexes growing at one end
 *     2  counter within the millisecond
 *    10  random */
export class SerialSource {
  readonly #generation: number;
  readonly #clock: Clock;
  readonly #fillRandom: (bytes: Uint8Array) => void;
  readonly #random = new Uint8Array(RANDOM_OCTETS * 256);
  #randomUsed = this.#random.length;
  #milliseconds = 0;
  #counter = 0;

  constructor(generation: number, clock: Clock, fillRandom: (bytes: Uint8Array) => void = randomFillSync) {
    if (!Number.isInteger(generation) || generation < 1 || generation > 0x7f) throw new Error("generation is 1..127");
    this.#generation = generation;
    this.#clock = clock;
    this.#fillRandom = fillRandom;
  }

  /** A new serial number, greater than every one before from this source, whatever the clock does. */
  next(): Uint8Array {
    this.#tick();
    const serial = new Uint8Array(SERIAL_OCTETS);
    const view = new DataView(serial.buffer);
    view.setUint8(0, this.#generation);
    view.setUint16(1, Math.floor(this.#milliseconds / 2 ** 32));
    view.setUint32(3, this.#milliseconds % 2 ** 32);
    view.setUint16(7, this.#counter);
    serial.set(this.#takeRandom(), RANDOM_OFFSET);
    return serial;
  }

  #tick(): void {
    const now = this.#clock.now().getTime();
    if (now > this.#milliseconds) {
      this.#milliseconds = now;
      this.#counter = 0;
    } else if (this.#counter < COUNTER_MAX) {
      this.#counter++;
    } else {
      this.#milliseconds++;
      this.#counter = 0;
    }
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
