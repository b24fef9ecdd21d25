import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry/log";
import type { Clock } from "@vcc-pki/time";
import { Command, CommanderError } from "commander";
import { addEnrolCommand } from "./commands/enrol.ts";
import { addRunCommands } from "./commands/run.ts";
import { addStatusCommand } from "./commands/status.ts";
import { EXIT, EXIT_HELP, exitOf } from "./exit-codes.ts";

/** The world as the program sees it: results go to `out`, what a person should know to `err`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  out(text: string): void;
  err(text: string): void;
  logger(level: "debug" | "info" | "warn" | "error"): Logger;
  /** Aborted when the process shall end. */
  readonly stop: AbortSignal;
}

/** What a command is given besides its options. */
export interface Session {
  readonly io: Io;
  /** agent.yaml. */
  configFile(): string;
  readonly json: boolean;
  /** The exit code of a command that came to its end, when that is a verdict. */
  conclude(exit: number): void;
}

export type RunCommand = (command: (session: Session) => Promise<void>) => Promise<void>;

/** Runs one command line and returns the exit code. */
export async function runProgram(words: readonly string[], io: Io): Promise<number> {
  const json = words.includes("--json");
  let exit: number = EXIT.ok;
  const program = new Command("vcc-agent")
    .description("keeps the certificates of the services on this machine")
    .version("0.1.0")
    .option("--config <file>", "agent.yaml (default: VCC_AGENT_CONFIG, else /etc/vcc-agent/agent.yaml)")
    .option("--json", "results as JSON")
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .addHelpText("after", EXIT_HELP);
  const session: Session = {
    io,
    json,
    configFile: () => program.opts().config ?? io.env.VCC_AGENT_CONFIG ?? defaultConfig(io.env),
    conclude: (verdict) => {
      exit = verdict;
    },
  };
  const run: RunCommand = (command) => command(session);
  addEnrolCommand(program, run);
  addRunCommands(program, run);
  addStatusCommand(program, run);
  for (const command of program.commands) {
    command.option("--config <file>", "agent.yaml").option("--json", "results as JSON");
    command.hook("preAction", (_program, self) => {
      const { config } = self.opts();
      if (config !== undefined) program.setOptionValue("config", config);
    });
  }
  try {
    await program.parseAsync(words, { from: "user" });
    return exit;
  } catch (error) {
    return report(error, io, json);
  }
}

const defaultConfig = ({ ProgramData }: Io["env"]): string =>
  process.platform === "win32"
    ? `${ProgramData ?? "C:\\ProgramData"}\\vcc-agent\\agent.yaml`
    : "/etc/vcc-agent/agent.yaml";

/** Says what went wrong, once, and which exit code that is. */
function report(error: unknown, io: Io, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const { code, message, details, cause } = toPkiError(error);
  const text = code === "INTERNAL" && !(error instanceof PkiError) && cause instanceof Error ? cause.message : message;
  if (json) io.err(`${JSON.stringify({ code, detail: text, details })}\n`);
  else {
    io.err(`error: ${text} (${code})\n`);
    for (const [name, value] of Object.entries(details)) io.err(`  ${name}: ${value}\n`);
  }
  return exitOf(code);
}
