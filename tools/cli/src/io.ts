import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { type Clock, systemClock } from "@vcc-pki/time";

type Style = Parameters<typeof styleText>[0];

/** The world as a command sees it: results go to `out`, everything else a person may want to know to `err`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Whether a person is there to answer. */
  readonly interactive: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Colours for the stream `out` goes to; plain text when it is no terminal or NO_COLOR is set. */
  paint(style: Style, text: string): string;
  /** Asks on the terminal. Only when interactive. */
  ask(question: string): Promise<string>;
  /** Says on `err` that `work` is under way, on a terminal also how far it is, and whether it went well. */
  during<T>(label: string, work: Promise<T>, progress?: () => string): Promise<T>;
}

const PROGRESS_INTERVAL_MS = 250;

export const processIo: Io = {
  env: process.env,
  clock: systemClock,
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  async ask(question) {
    const prompt = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await prompt.question(question);
    } finally {
      prompt.close();
    }
  },
  async during(label, work, progress) {
    // Of a terminal that does not say how wide it is (`script`, a console without a size), ora clears lines without end.
    if (!process.stderr.isTTY || !process.stderr.columns) {
      process.stderr.write(`${label}\n`);
      return work;
    }
    const { default: ora } = await import("ora"); // not loaded where nobody looks
    const spinner = ora({ text: label, stream: process.stderr, discardStdin: false }).start();
    const show = () => {
      if (progress) spinner.text = `${label} ${progress()}`;
    };
    const timer = progress && setInterval(show, PROGRESS_INTERVAL_MS);
    try {
      const result = await work;
      show();
      spinner.succeed();
      return result;
    } catch (error) {
      spinner.fail();
      throw error;
    } finally {
      clearInterval(timer);
    }
  },
};
