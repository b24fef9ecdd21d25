import { writeFileSync } from "node:fs";
import { requireDebianPackage } from "@vcc-pki/conformance/install";
import { execa } from "execa";

/** The wall clock of processes that run under libfaketime: a distance from the machine's, which may change while they run. Their monotonic
 *  counter is left alone, as a clock that is set leaves it. */
export interface FakedClock {
  /** To be added to the environment of a process. */
  readonly environment: Readonly<Record<string, string>>;
  /** From now on the wall clock is this far from the machine's. */
  set(seconds: number): void;
}

/** Rejects with the reason when there is no libfaketime here. `file` is where the distance is kept. */
export async function fakeClock(file: string): Promise<FakedClock> {
  await requireDebianPackage("faketime", "faketime");
  // The command knows where its library is.
  const { stdout } = await execa("faketime", ["-m", "2020-01-01", "printenv", "LD_PRELOAD"]);
  const set = (seconds: number) => writeFileSync(file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  set(0);
  return {
    set,
    environment: {
      ...{ LD_PRELOAD: stdout.trim(), FAKETIME_TIMESTAMP_FILE: file },
      ...{ FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" },
    },
  };
}
