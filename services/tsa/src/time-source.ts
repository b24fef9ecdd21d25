import { setTimeout as sleep } from "node:timers/promises";
import type { ClockProof, NoTime, ProvenTime } from "./clock/index.ts";
import { cutOffMs, type UnitConfig } from "./config.ts";

/** Waits for the next step of genTime, and asks the clock so often meanwhile. */
const LONGEST_WAIT_MS = 2_000;

/** The proven time as each unit promises it. */
export class TimeSource {
  readonly #proof: ClockProof;
  /** The last genTime of each unit that keeps them in order, in milliseconds. */
  readonly #last = new Map<string, number>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(proof: ClockProof) {
    this.#proof = proof;
  }

  /** For a unit with ordering: later than every time before from here, by a whole step of its genTime. */
  timeFor(unit: UnitConfig): ProvenTime | NoTime | Promise<ProvenTime | NoTime> {
    return unit.ordering ? this.#inTurn(unit) : this.#now(unit);
  }

  /** The clock may be less exact than this unit promises. What genTime cuts off is part of the promise. */
  #now({ accuracy, fractionDigits }: UnitConfig): ProvenTime | NoTime {
    const time = this.#proof.now();
    if ("unavailable" in time) return time;
    return time.errorMs + cutOffMs(fractionDigits) > accuracy ? { unavailable: "offset-too-large" } : time;
  }

  #inTurn(unit: UnitConfig): Promise<ProvenTime | NoTime> {
    const before = this.#turns.get(unit.name) ?? Promise.resolve();
    const turn = before.then(() => this.#later(unit));
    this.#turns.set(
      unit.name,
      turn.catch(() => {}),
    );
    return turn;
  }

  async #later(unit: UnitConfig): Promise<ProvenTime | NoTime> {
    const stepMs = 10 ** (3 - unit.fractionDigits);
    for (let waitedMs = 0; ; waitedMs += stepMs) {
      const time = this.#now(unit);
      if ("unavailable" in time) return time;
      const genTimeMs = Math.floor(time.genTime.getTime() / stepMs) * stepMs;
      if (genTimeMs > (this.#last.get(unit.name) ?? Number.NEGATIVE_INFINITY)) {
        this.#last.set(unit.name, genTimeMs);
        return { ...time, genTime: new Date(genTimeMs) };
      }
      if (waitedMs >= LONGEST_WAIT_MS) return { unavailable: "stepped" };
      await sleep(stepMs);
    }
  }
}
