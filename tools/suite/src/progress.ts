import { formatDuration } from "@vcc-pki/time";
import ora from "ora";
import type { SuiteEvent } from "./process.ts";

const SPINNER_COLUMNS = 60;

/** Tells a person what happens: with a spinner in a terminal, one line per event otherwise. */
export interface Progress {
  event(event: SuiteEvent): void;
  /** A line that stays. */
  say(text: string): void;
  /** Nothing is under way any more. */
  end(): void;
}

const LINES: { readonly [T in SuiteEvent["type"]]: (event: Extract<SuiteEvent, { type: T }>) => string | undefined } = {
  starting: () => undefined,
  ready: ({ name, afterMs }) => `✔ ${name} is ready after ${formatDuration(Math.round(afterMs))}`,
  crashed: ({ name, exit, restartInMs }) =>
    `✖ ${name} ended with ${exit}; it is started again in ${formatDuration(restartInMs)} (./pki logs ${name})`,
  stopping: () => undefined,
  stopped: ({ name }) => `  ${name} stopped`,
};

// The table is keyed by the event's own type; TypeScript cannot follow that through an index.
const lineOf = (event: SuiteEvent): string | undefined =>
  (LINES[event.type] as (event: SuiteEvent) => string | undefined)(event);

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const busy = new Map<string, string>();
  // A signal must reach the supervisor, not the spinner.
  const spinner = ora({ stream, discardStdin: false, hideCursor: false });
  // A terminal without a width, as some recorders and CI systems have, makes a spinner run wild.
  const animate = stream.isTTY === true && stream.columns >= SPINNER_COLUMNS;

  function say(text: string): void {
    spinner.stop();
    stream.write(`${text}\n`);
    spin();
  }

  function spin(): void {
    if (!animate || busy.size === 0) return;
    spinner.start([...busy].map(([name, what]) => `${name} is ${what}`).join(", "));
  }

  return {
    say,
    event(event) {
      if (event.type === "starting" || event.type === "stopping") busy.set(event.name, event.type);
      else busy.delete(event.name);
      const line = lineOf(event);
      spinner.stop();
      if (line !== undefined) stream.write(`${line}\n`);
      spin();
    },
    end: () => void spinner.stop(),
  };
}
