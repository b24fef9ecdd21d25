import { type Command, Option } from "commander";
import {
  type CreateSignerOptions,
  createSigner,
  type ListSignersOptions,
  listSigners,
  type RetireSignerOptions,
  retireSigner,
} from "../commands/signer.ts";
import type { RunIn } from "./run.ts";

export function addSignerCommands(program: Command, inSession: RunIn): void {
  const signer = program.command("signer").description("in whose name artefacts are signed");
  signer
    .command("create")
    .description(
      "make a key in the token and a certificate for a service of your organisation; of one that has them, the next",
    )
    .argument("<signer>", "the service, such as clara")
    .addOption(
      new Option("--profile <profile>", "of its certificate")
        .choices(["code_signing", "clara_model_template"])
        .default("code_signing"),
    )
    .addOption(
      new Option("--key-algorithm <algorithm>", "of its key")
        .choices(["ec-p256", "ec-p384", "rsa-4096"])
        .default("ec-p256"),
    )
    .option("--request-id <id>", "of an attempt that got no answer: goes on where that ended")
    .action((name: string, options: CreateSignerOptions) =>
      inSession((session) => createSigner(name, options, session)),
    );
  signer
    .command("list")
    .description("those of your organisation")
    .option("--signer <signer>", "this one alone")
    .action((options: ListSignersOptions) => inSession((session) => listSigners(options, session)));
  signer
    .command("retire")
    .description("have a key sign nothing any more; what it has signed lives by its time stamps")
    .argument("<id>", "of the key, see signer list")
    .option("--yes", "do not ask")
    .action((id: string, options: RetireSignerOptions) => inSession((session) => retireSigner(id, options, session)));
}
