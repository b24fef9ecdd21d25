import { existsSync } from "node:fs";
import type { Command } from "commander";
import {
  fetchCrl,
  type GetCrlOptions,
  type ShowCrlOptions,
  showCrlOfAuthority,
  showCrlOfFile,
  showCrlOfUrl,
} from "../commands/crl.ts";
import { type StatusOptions, statusOfCertificate, statusOfFile } from "../commands/status.ts";
import type { RunAlone, RunIn } from "./run.ts";
import { naturalNumber, shard } from "./values.ts";

const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

export function addStatusCommand(program: Command, inSession: RunIn, alone: RunAlone): void {
  program
    .command("status")
    .description(
      "whether a certificate is good, revoked or unknown, as its authority's OCSP responder says (exit code 0, 10, 11)",
    )
    .argument("<certificate>", "a file (PEM, with its chain if need be, or DER), or an id or serial number")
    .option("--crl", "where there is no OCSP answer, look into the authority's revocation list")
    .action((what: string, options: StatusOptions) =>
      existsSync(what)
        ? alone((output) => statusOfFile(what, options, output))
        : inSession((session) => statusOfCertificate(what, options, session)),
    );
}

export function addCrlCommands(program: Command, inSession: RunIn, alone: RunAlone): void {
  const crl = program.command("crl").description("certificate revocation lists");
  crl
    .command("get")
    .description("fetch the newest CRL of an authority")
    .argument("<ca>")
    .requiredOption("--out <file>", "where it goes, as DER")
    .option("--shard <n>", "which of its lists", shard, 0)
    .option("--delta", "the changes since the last full list")
    .option("--pem", "write PEM instead")
    .option("--force", "replace a file that exists")
    .action((id: string, options: GetCrlOptions) => inSession((session) => fetchCrl(id, options, session)));
  crl
    .command("show")
    .description("what a CRL says, as it is: its signature is not checked")
    .argument("<crl>", "an authority, a file (DER or PEM) or a URL")
    .option("--shard <n>", "which of an authority's lists", shard, 0)
    .option("--delta", "the changes since the last full list")
    .option("--limit <n>", "at most so many entries", naturalNumber, 50)
    .action((what: string, options: ShowCrlOptions) => {
      if (isUrl(what)) return alone((output) => showCrlOfUrl(what, options, output));
      if (existsSync(what)) return alone(async (output) => showCrlOfFile(what, options, output));
      return inSession((session) => showCrlOfAuthority(what, options, session));
    });
}
