import { ERRORS, type PkiError, toPkiError } from "@vcc-pki/errors";
import { Command, CommanderError, Option } from "commander";
import { createClient } from "./client.ts";
import { showConfig } from "./commands/config.ts";
import { EXIT, EXIT_HELP, type Exit, exitOf } from "./exit-codes.ts";
import { hintFor } from "./hints.ts";
import { readIdentity } from "./identity.ts";
import type { Io } from "./io.ts";
import { addApprovalCommands } from "./program/approval.ts";
import { addAuthorityCommands } from "./program/ca.ts";
import { addCertCommands } from "./program/cert.ts";
import { addEventCommands, addOrganisationCommands, addProfileCommands } from "./program/others.ts";
import type { RunAlone, RunIn } from "./program/run.ts";
import { addCrlCommands, addStatusCommand } from "./program/status.ts";
import { addTimeStampCommands } from "./program/tsa.ts";
import { createOutput } from "./session.ts";
import { type GlobalOptions, resolveSettings } from "./settings.ts";
import { Cancelled, UsageError } from "./usage.ts";

/** Understood before and after the name of a command. Where a command has an option of the same name, as `approval sign --key`
 *  has, that one is meant after it. */
const GLOBAL_OPTIONS: readonly (readonly [flags: string, description: string])[] = [
  ["--home <dir>", "a local suite: its state directory (default: PKI_HOME, else var/)"],
  ["--server <url>", "a remote suite: origin of its gateway; needs --cert, --key and --ca"],
  ["--cert <file>", "your certificate with its chain, PEM"],
  ["--key <file>", "its key, PEM"],
  ["--ca <file>", "the only roots to trust, PEM"],
  ["--organisation <id>", "act for this organisation (default: brandenburg)"],
  ["--json", "results as JSON on standard output, errors as problem+json on standard error"],
];

/** Runs one command line and returns the exit code. Writes through `io` only. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const globals: { -readonly [K in keyof GlobalOptions]: GlobalOptions[K] } = {};
  const verdict: { exit: Exit } = { exit: EXIT.ok };
  try {
    await buildProgram(io, globals, verdict, args.includes("--json")).parseAsync(args, { from: "user" });
    return verdict.exit;
  } catch (error) {
    return report(error, io, args.includes("--json"));
  }
}

function buildProgram(io: Io, globals: GlobalOptions, verdict: { exit: Exit }, json: boolean): Command {
  const program = new Command("vcc-pki")
    .description("Certificates, authorities and approvals of VCC PKI")
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
  for (const [flags, description] of GLOBAL_OPTIONS) program.option(flags, description);

  const output = () =>
    createOutput(resolveSettings(globals, io.env), io, globals.json === true, (exit) => {
      verdict.exit = exit;
    });
  const alone: RunAlone = (command) => command(output());
  const inSession: RunIn = async (command) => {
    const told = output();
    const client = createClient(told.settings.server, readIdentity(told.settings, io.clock.now()));
    try {
      await command({ ...told, client });
    } finally {
      await client.close();
    }
  };
  addCertCommands(program, inSession);
  addStatusCommand(program, inSession, alone);
  addAuthorityCommands(program, inSession);
  addCrlCommands(program, inSession, alone);
  addTimeStampCommands(program, alone);
  addProfileCommands(program, inSession);
  addOrganisationCommands(program, inSession);
  addApprovalCommands(program, inSession);
  addEventCommands(program, inSession);
  program
    .command("config")
    .description("show where commands go, and as whom")
    .action(() => showConfig(resolveSettings(globals, io.env), io, globals.json === true));

  const shared = new Map(program.commands.flatMap((group) => shareGlobalOptions(group)));
  program.hook("preAction", (_program, command) => {
    const own = shared.get(command)?.map((name) => [name, command.getOptionValue(name)]) ?? [];
    const given = own.filter(([, value]) => value !== undefined);
    Object.assign(globals, program.opts(), Object.fromEntries(given));
  });
  return program;
}

/** Gives each command below `command` the global options it does not use itself, and says which those are. */
function shareGlobalOptions(command: Command): [Command, string[]][] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => shareGlobalOptions(child));
  const added = GLOBAL_OPTIONS.map(([flags, description]) => new Option(flags, description).hideHelp()).filter(
    (option) => !command.options.some((own) => own.long === option.long),
  );
  for (const option of added) command.addOption(option);
  command.addHelpText("after", "\nOptions of every command: vcc-pki --help");
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
