import { showConfig } from "./commands/config.ts";
import type { Io } from "./io.ts";
import { addApprovalCommands } from "./program/approval.ts";
import { addAuthorityCommands } from "./program/ca.ts";
import { addCertCommands } from "./program/cert.ts";
import { type CommandLine, runCommandLine } from "./program/command-line.ts";
import { addInventoryCommands } from "./program/inventory.ts";
import { addLifecycleCommands } from "./program/lifecycle.ts";
import { addMatrixCommands } from "./program/matrix.ts";
import { addNotifyCommands } from "./program/notify.ts";
import { addEventCommands, addOrganisationCommands, addProfileCommands } from "./program/others.ts";
import { addApproveCommand, addServiceCommands, addTokenCommands } from "./program/service.ts";
import { addSignerCommands } from "./program/signer.ts";
import { addCrlCommands, addStatusCommand } from "./program/status.ts";
import { addTimeStampCommands } from "./program/tsa.ts";

const VCC_PKI: CommandLine = {
  name: "vcc-pki",
  description: "Certificates, authorities and approvals of VCC PKI",
  globalOptions: [
    ["--home <dir>", "a local suite: its state directory (default: PKI_HOME, else var/)"],
    ["--server <url>", "a remote suite: origin of its gateway; needs --cert, --key and --ca"],
    ["--cert <file>", "your certificate with its chain, PEM"],
    ["--key <file>", "its key, PEM"],
    ["--ca <file>", "the only roots to trust, PEM"],
    ["--organisation <id>", "act for this organisation (default: brandenburg)"],
    ["--json", "results as JSON on standard output, errors as problem+json on standard error"],
  ],
  addCommands(program, { inSession, alone }) {
    addCertCommands(program, inSession);
    addStatusCommand(program, inSession, alone);
    addAuthorityCommands(program, inSession);
    addCrlCommands(program, inSession, alone);
    addTimeStampCommands(program, inSession, alone);
    addSignerCommands(program, inSession);
    addInventoryCommands(program, inSession);
    addServiceCommands(program, inSession);
    addTokenCommands(program, inSession);
    addApproveCommand(program, inSession);
    addMatrixCommands(program, inSession);
    addLifecycleCommands(program, inSession);
    addNotifyCommands(program, inSession);
    addProfileCommands(program, inSession);
    addOrganisationCommands(program, inSession);
    addApprovalCommands(program, inSession);
    addEventCommands(program, inSession);
    program
      .command("config")
      .description("show where commands go, and as whom")
      .action(() => alone(async ({ settings, io, json }) => showConfig(settings, io, json)));
  },
};

/** Runs one command line and returns the exit code. Writes through `io` only. */
export const run = (args: readonly string[], io: Io): Promise<number> => runCommandLine(VCC_PKI, args, io);
