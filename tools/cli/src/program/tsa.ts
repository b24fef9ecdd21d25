import { type Command, Option } from "commander";
import { type StampOptions, stampFiles, type VerifyOptions, verifyFile } from "../commands/tsa.ts";
import { type FindOptions, findTimeStamps, showTsaStatus } from "../commands/tsa-log.ts";
import type { RunAlone, RunIn } from "./run.ts";
import { objectIdentifier, positiveInteger } from "./values.ts";

const hashOption = () =>
  new Option("--hash <hash>", "of the file").choices(["sha256", "sha384", "sha512"]).default("sha256");

export function addTimeStampCommands(program: Command, inSession: RunIn, alone: RunAlone): void {
  const tsa = program.command("tsa").description("time stamps (RFC 3161)");
  tsa
    .command("stamp")
    .description("have files time-stamped; each answer is verified and goes to FILE.tsr. Only digests are sent")
    .argument("<file...>")
    .addOption(hashOption())
    .option("--policy <oid>", "under this policy; the tsa's own choice unless given", objectIdentifier)
    .option("--url <url>", "of another tsa, or of one unit: http://127.0.0.1:8082/tsa/UNIT")
    .option("--force", "replace files that exist")
    .action((files: string[], options: StampOptions) => alone((output) => stampFiles(files, options, output)));
  tsa
    .command("verify")
    .description("verify a file's time stamp offline, down to the roots of --ca (exit code 0, or 3 when a check fails)")
    .argument("<file>")
    .option("--tsr <file>", "the answer or the bare token, DER (default: FILE.tsr)")
    .option("--policy <oid...>", "one of which it must be under; any unless given")
    .action((file: string, options: VerifyOptions) => alone((output) => verifyFile(file, options, output)));
  tsa
    .command("status")
    .description("the clock and the units (exit code 0, or 3 when the time is not proven or a unit does not sign)")
    .action(() => inSession(showTsaStatus));
  tsa
    .command("find")
    .description("time stamps of your organisation in the log (exit code 0, or 3 when there is none)")
    .argument("<file|digest>", "what was stamped, or its digest in hex")
    .addOption(hashOption())
    .addOption(new Option("--limit <n>", "the newest so many").argParser(positiveInteger).default(100))
    .action((what: string, options: FindOptions) => inSession((session) => findTimeStamps(what, options, session)));
}
