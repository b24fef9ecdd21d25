import type { Client } from "./client.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings.ts";
import { Cancelled, UsageError } from "./usage.ts";

/** What a command works with: where it was sent, and how it speaks. */
export interface Session {
  readonly settings: Settings;
  readonly client: Client;
  readonly io: Io;
  readonly json: boolean;
  /** The result: as JSON on standard output with --json, else as the text `human` makes. */
  result(value: unknown, human: () => string): void;
  /** Something a person should know, on standard error; nothing with --json. */
  note(text: string): void;
  /** Runs `work` and shows that it is under way; silently with --json. */
  during<T>(label: string, work: Promise<T>): Promise<T>;
  /** Asks before something that cannot be undone. `--yes` answers; without it and without a terminal it is a UsageError. */
  confirm(question: string, yes: boolean | undefined): Promise<void>;
}

export function createSession(settings: Settings, client: Client, io: Io, json: boolean): Session {
  return {
    settings,
    client,
    io,
    json,
    result: (value, human) => io.out(json ? `${JSON.stringify(value, null, 2)}\n` : withNewline(human())),
    note: (text) => {
      if (!json) io.err(`${text}\n`);
    },
    during: (label, work) => (json ? work : io.during(label, work)),
    async confirm(question, yes) {
      if (yes) return;
      if (!io.interactive) throw new UsageError("this cannot be undone: confirm with --yes");
      const answer = await io.ask(`${question} [y/N] `);
      if (!/^(y|yes)$/i.test(answer.trim())) throw new Cancelled("nothing was done");
    },
  };
}

const withNewline = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);
