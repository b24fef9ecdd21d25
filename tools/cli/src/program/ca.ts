import { REVOCATION_REASONS, type RevocationReason } from "@vcc-pki/gateway/api";
import type { Command } from "commander";
import {
  type CreateOptions,
  createAuthority,
  fetchChain,
  listAuthorities,
  type RevokeOptions,
  revokeAuthority,
  showTree,
} from "../commands/ca.ts";
import { revocationReason } from "./revocation-reason.ts";
import type { RunIn } from "./run.ts";
import { naturalNumber, positiveInteger } from "./values.ts";

export function addAuthorityCommands(program: Command, inSession: RunIn): void {
  const ca = program.command("ca").description("certificate authorities");

  ca.command("list")
    .description("authorities the organisation may see")
    .action(() => inSession(listAuthorities));

  ca.command("tree")
    .description("the same, drawn as a tree")
    .action(() => inSession(showTree));

  ca.command("create")
    .description("create an authority; its key is made in the token")
    .argument("<id>", "short name, such as partner-ca")
    .requiredOption("--parent <id>", "the authority above")
    .requiredOption("--common-name <name>", "its name in certificates")
    .option("--key-algorithm <algorithm>", "ec-p384 unless given")
    .option("--validity-days <days>", "10 years unless given, never beyond the parent", positiveInteger)
    .option("--profile <profile...>", "profiles it may issue")
    .option("--may-issue-authorities", "may have authorities below it")
    .option("--permit-dns <suffix...>", "name constraints: only names below these")
    .option("--exclude-dns <suffix...>", "name constraints: no names below these")
    .option("--quorum <n>", "custodians that must approve each signature", naturalNumber)
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .action((id: string, options: CreateOptions) => inSession((session) => createAuthority(id, options, session)));

  ca.command("revoke")
    .description("revoke an authority")
    .argument("<id>")
    .requiredOption<RevocationReason>("--reason <reason>", `why: ${REVOCATION_REASONS.join(", ")}`, revocationReason)
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .option("--yes", "do not ask")
    .action((id: string, options: RevokeOptions) => inSession((session) => revokeAuthority(id, options, session)));

  ca.command("chain")
    .description("its certificate and those above it, root last (PEM)")
    .argument("<id>")
    .option("--out <file>", "write to a file instead of standard output")
    .option("--force", "replace a file that exists")
    .action((id: string, options: { out?: string; force?: boolean }) =>
      inSession((session) => fetchChain(id, options, session)),
    );
}
