import { APPROVAL_STATUSES } from "@vcc-pki/gateway/api";
import { type Command, Option } from "commander";
import { type ListOptions, listApprovals, type SignOptions, showApproval, signApproval } from "../commands/approval.ts";
import type { RunIn } from "./run.ts";

export function addApprovalCommands(program: Command, inSession: RunIn): void {
  const approval = program.command("approval").description("operations that wait for custodians");

  approval
    .command("list")
    .description("operations that wait, or waited")
    .addOption(new Option("--state <state>", "only these").choices([...APPROVAL_STATUSES]))
    .action((options: ListOptions) => inSession((session) => listApprovals(options, session)));

  approval
    .command("show")
    .description("one of them, with what would be signed")
    .argument("<id>")
    .action((id: string) => inSession((session) => showApproval(id, session)));

  approval
    .command("sign")
    .description("decide as a custodian; what would be signed is checked and shown before")
    .argument("<id>")
    .requiredOption("--key <file>", "your custodian key, PEM (an administrator's own --key goes before `approval`)")
    .requiredOption("--custodian <id>", "who you are")
    .option("--refuse", "refuse instead of approving")
    .option("--yes", "do not ask")
    .action((id: string, options: SignOptions) => inSession((session) => signApproval(id, options, session)));
}
