import type { Io } from "./io.ts";
import { addArtefactCommands } from "./program/artefact.ts";
import { type CommandLine, runCommandLine } from "./program/command-line.ts";

const VCC_SIGN: CommandLine = {
  name: "vcc-sign",
  description: "Code and models that are verified before they run",
  globalOptions: [
    ["--home <dir>", "a local suite: its state directory (default: PKI_HOME, else var/)"],
    ["--server <url>", "a remote suite: origin of its gateway; needs --cert, --key and --ca"],
    ["--cert <file>", "your certificate with its chain, PEM"],
    ["--key <file>", "its key, PEM"],
    ["--ca <file>", "the only roots to trust, PEM"],
    ["--organisation <id>", "act for this organisation (default: that of your certificate)"],
    ["--json", "results as JSON on standard output, errors as problem+json on standard error"],
  ],
  ownOrganisation: true,
  addCommands: (program, { inSession, alone }) => addArtefactCommands(program, inSession, alone),
};

/** Runs one command line and returns the exit code. Writes through `io` only. */
export const runSign = (args: readonly string[], io: Io): Promise<number> => runCommandLine(VCC_SIGN, args, io);
