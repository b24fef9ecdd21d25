import { ERRORS, type PkiError, toPkiError } from "@vcc-pki/errors";
import { Command, CommanderError, Option } from "commander";
import { EXIT, EXIT_HELP, type Exit, exitOf } from "../exit-codes.ts";
import { hintFor } from "../hints.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output } from "../session.ts";
import { type GlobalOptions, resolveSettings } from "../settings.ts";
import { Cancelled, UsageError } from "../usage.ts";
import type { RunAlone, RunIn } from "./run.ts";

/** A program with commands. */
export interface CommandLine {
  readonly name: string;
  readonly description: string;
  /** Understood before and after the name of a command. Where a command has an option of the same name, as `approval sign --key`
   *  has, that one is meant after it. */
  readonly globalOptions: readonly (readonly [flags: string, description: string])[];
  /** Whether commands are about the organisation in the caller's certificate where none is named. */
  readonly ownOrganisation?: boolean;
  addCommands(program: Command, runners: Runners): void;
}

export interface Runners {
  readonly inSession: RunIn;
  readonly alone: RunAlone;
}

/** Runs one command line and returns the exit code. Writes through `io` only. */
export async function runCommandLine(line: CommandLine, args: readonly string[], io: Io): Promise<number> {
  const globals: { -readonly [K in keyof GlobalOptions]: GlobalOptions[K] } = {};
  const verdict: { exit: Exit } = { exit: EXIT.ok };
  try {
    await buildProgram(line, io, globals, verdict, args.includes("--json")).parseAsync(args, { from: "user" });
    return verdict.exit;
  } catch (error) {
    return report(error, io, args.includes("--json"));
  }
}

function buildProgram(
  { name, description, globalOptions, ownOrganisation, addCommands }: CommandLine,
  io: Io,
  globals: GlobalOptions,
  verdict: { exit: Exit },
  json: boolean,
): Command {
  const program = new Command(name)
    .description(description)
    .version("0.1.0")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text) =>
        io.err(json ? usageProblem(text.trim()) : `${text.trimEnd()}\n(--help shows the options)\n`),
    })
    .addHelpText("after", EXIT_HELP);
  for (const [flags, meaning] of globalOptions) program.option(flags, meaning);

  const output = () =>
    createOutput(resolveSettings(globals, io.env, { ownOrganisation }), io, globals.json === true, (exit) => {
      verdict.exit = exit;
    });
  addCommands(program, {
    alone: (command) => command(output()),
    inSession: (command) => runInSession(command, output()),
  });

  const shared = new Map(program.commands.flatMap((group) => shareGlobalOptions(group, program)));
  program.hook("preAction", (_program, command) => {
    const own = shared.get(command)?.map((option) => [option, command.getOptionValue(option)]) ?? [];
    const given = own.filter(([, value]) => value !== undefined);
    Object.assign(globals, program.opts(), Object.fromEntries(given));
  });
  return program;
}

/** What speaks to the gateway is loaded by those alone that do. */
async function runInSession(command: Parameters<RunIn>[0], output: Output): Promise<void> {
  const { createClient } = await import("../client.ts");
  const { readIdentity } = await import("../identity.ts");
  const client = createClient(output.settings.server, readIdentity(output.settings, output.io.clock.now()));
  try {
    await command({ ...output, client });
  } finally {
    await client.close();
  }
}

/** Gives each command below `command` the global options it does not use itself, and says which those are. */
function shareGlobalOptions(command: Command, program: Command): [Command, string[]][] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => shareGlobalOptions(child, program));
  const isOwn = ({ long }: Option) => command.options.some((own) => own.long === long);
  const added = program.options
    .filter((option) => option.long !== "--version" && !isOwn(option))
    .map(({ flags, description }) => new Option(flags, description).hideHelp());
  for (const option of added) command.addOption(option);
  command.addHelpText("after", `\nOptions of every command: ${program.name()} --help`);
  return [[command, added.map((option) => option.attributeName())]];
}

/** Says what went wrong, once, and which exit code that is. */
function report(error: unknown, io: Io, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof Cancelled) return say(io, json, error.message, EXIT.interrupted);
  if (error instanceof UsageError) return say(io, json, error.message, EXIT.usage);
  const known = toPkiError(error);
  const { code, details } = known;
  if (json) {
    const status = ERRORS[code].http;
    io.err(`${JSON.stringify({ type: `urn:pki:error:${code}`, status, code, detail: known.message, details })}\n`);
    return exitOf(code);
  }
  io.err(`error: ${messageOf(known)} (${code})\n`);
  for (const [name, value] of Object.entries(details)) io.err(`  ${name}: ${value}\n`);
  const hint = hintFor(code);
  if (hint !== undefined) io.err(`hint: ${hint}\n`);
  return exitOf(code);
}

function say(io: Io, json: boolean, message: string, exit: number): number {
  io.err(json ? usageProblem(message) : `error: ${message}\n`);
  return exit;
}

/** A problem that never reached the suite has no code of its own (RFC 9457 section 4.2.1). */
const usageProblem = (detail: string): string => `${JSON.stringify({ type: "about:blank", detail })}\n`;

/** A defect of ours is shown as it is: this process is the user's own. */
const messageOf = (error: PkiError): string =>
  error.code === "INTERNAL" && error.cause instanceof Error ? error.cause.message : error.message;
