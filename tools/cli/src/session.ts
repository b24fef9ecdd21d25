import type { Client } from "./client.ts";
import type { Exit } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import type { Settings } from "./settings.ts";
import { Cancelled, UsageError } from "./usage.ts";

/** How a command speaks, and what it was told. */
export interface Output {
  readonly settings: Settings;
  readonly io: Io;
  readonly json: boolean;
  /** The result: as JSON on standard output with --json, else as the text `human` makes. */
  result(value: unknown, human: () => string): void;
  /** Something a person should know, on standard error; nothing with --json. */
  note(text: string): void;
  /** Runs `work` and shows that it is under way, and how far; silently with --json. */
  during<T>(label: string, work: Promise<T>, progress?: () => string): Promise<T>;
  /** Asks before something that cannot be undone. `--yes` answers; without it and without a terminal it is a UsageError. */
  confirm(question: string, yes: boolean | undefined): Promise<void>;
  /** The exit code of a command that came to its end, when that is a verdict. */
  conclude(exit: Exit): void;
}

/** What a command works with that asks the suite. */
export interface Session extends Output {
  readonly client: Client;
}

/** For the organisation that was named; else for the requester's own. */
export const scopeOf = ({ settings: { namedOrganisation: organisation } }: Pick<Output, "settings">) => ({
  organisation,
});

export function createOutput(settings: Settings, io: Io, json: boolean, conclude: Output["conclude"]): Output {
  return {
    settings,
    conclude,
    io,
    json,
    result: (value, human) => io.out(json ? `${JSON.stringify(value, null, 2)}\n` : withNewline(human())),
    note: (text) => {
      if (!json) io.err(`${text}\n`);
    },
    during: (label, work, progress) => (json ? work : io.during(label, work, progress)),
    async confirm(question, yes) {
      if (yes) return;
      if (!io.interactive) throw new UsageError("this cannot be undone: confirm with --yes");
      const answer = await io.ask(`${question} [y/N] `);
      if (!/^(y|yes)$/i.test(answer.trim())) throw new Cancelled("nothing was done");
    },
  };
}

const withNewline = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);
