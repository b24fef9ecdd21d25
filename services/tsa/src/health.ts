import type { Clock } from "@vcc-pki/time";
import type { Finding } from "./alarms.ts";
import type { ClockProof } from "./clock/index.ts";
import type { Units } from "./units.ts";

export interface HealthOptions {
  readonly proof: ClockProof;
  readonly units: Units;
  readonly replica: string;
  /** How long a unit's key must have to go. */
  readonly unitAlarmMs: number;
  readonly clock: Clock;
}

/** Looks at what keeps tokens from being issued, now or soon. */
export class Health {
  readonly #options: HealthOptions;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  examine(): Finding[] {
    const { proof, units, replica } = this.#options;
    const { state } = proof;
    const clock: Finding[] =
      state === "available" ? [] : [{ alarm: "clock", subject: replica, detail: `the time is not proven: ${state}` }];
    return [...clock, ...units.configs.flatMap(({ name }) => this.#examineUnit(name))];
  }

  /** For /readyz. */
  report(): Record<string, true | string> {
    const { proof, units, clock } = this.#options;
    const { state } = proof;
    const away = units.configs.flatMap(({ name }) => {
      const key = units.keyFor(name, clock.now());
      return typeof key === "string" ? [`${name}: ${key}`] : [];
    });
    return {
      clock: state === "available" || `the time is not proven: ${state}`,
      units: away.length === 0 || away.join("; "),
    };
  }

  #examineUnit(unit: string): Finding[] {
    const { units, replica, unitAlarmMs, clock } = this.#options;
    const key = units.keyFor(unit, clock.now());
    const subject = `${unit} of ${replica}`;
    if (typeof key === "string") return [{ alarm: "unit", subject, detail: key.slice(0, 300) }];
    if (key.signsUntilMs - clock.now().getTime() > unitAlarmMs) return [];
    return [{ alarm: "unit", subject, detail: "its key is not replaced though its usage period ends" }];
  }
}
