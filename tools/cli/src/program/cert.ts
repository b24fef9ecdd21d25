import { CERTIFICATE_STATUSES, type CertificateRevocation, REVOCATION_REASONS } from "@vcc-pki/gateway/api";
import { type Command, Option } from "commander";
import {
  type ListOptions,
  listCertificates,
  type ReleaseOptions,
  type RevokeOptions,
  releaseCertificate,
  revokeCertificate,
  showCertificate,
} from "../commands/cert.ts";
import { type IssueOptions, issueCertificate } from "../commands/cert-issue.ts";
import { SUBSCRIBER_KEY_ALGORITHMS } from "../subscriber-key.ts";
import { revocationReason } from "./revocation-reason.ts";
import type { RunIn } from "./run.ts";
import { duration, moment, positiveInteger } from "./values.ts";

export function addCertCommands(program: Command, inSession: RunIn): void {
  const cert = program.command("cert").description("certificates");

  cert
    .command("issue")
    .description("obtain a certificate; the key is made here and stays here")
    .requiredOption("--profile <profile>", "what kind of certificate (see: profile list)")
    .requiredOption("--out <file>", "where the certificate goes, with its chain, as PEM")
    .option("--csr <file>", "a PKCS#10 request, PEM or DER; - reads standard input")
    .option("--name <dns...>", "DNS names")
    .option("--ip <address...>", "IP addresses")
    .option("--uri <uri...>", "URIs, such as a SPIFFE ID")
    .option("--email <address...>", "e-mail addresses")
    .option("--key-out <file>", "where the new key goes (PKCS#8, readable by you alone)")
    .addOption(
      new Option("--key-algorithm <algorithm>", "of the new key").choices(SUBSCRIBER_KEY_ALGORITHMS).default("ec-p256"),
    )
    .option("--authority <id>", "issuing authority; the profile's own unless given")
    .option("--validity <duration>", "shorter life than the profile's, such as 24h or 30d", duration)
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .option("--force", "replace files that exist")
    .action((options: IssueOptions) => inSession((session) => issueCertificate(options, session)));

  cert
    .command("list")
    .description("certificates of the organisation, newest first")
    .addOption(new Option("--state <state>", "only these").choices([...CERTIFICATE_STATUSES]))
    .option("--profile <profile>", "only of this profile")
    .option("--authority <id>", "only by this authority")
    .option("--name <name>", "DNS name, address, URI or e-mail; text* finds beginnings, *.text names below")
    .option("--expires-within <duration>", "only those that expire within, such as 30d", duration)
    .option("--limit <n>", "at most so many", positiveInteger, 100)
    .action((options: ListOptions) => inSession((session) => listCertificates(options, session)));

  cert
    .command("show")
    .description("one certificate")
    .argument("<id>", "id or serial number")
    .option("--pem", "print the chain instead")
    .option("--out <file>", "write the chain to a file")
    .action((id: string, options: { pem?: boolean; out?: string }) =>
      inSession((session) => showCertificate(id, options, session)),
    );

  cert
    .command("revoke")
    .description("revoke a certificate: for good, unless it is put on hold (--reason certificate_hold)")
    .argument("<id>", "id or serial number")
    .requiredOption<CertificateRevocation["reason"]>(
      "--reason <reason>",
      `why: ${REVOCATION_REASONS.join(", ")}`,
      revocationReason,
    )
    .option("--invalidity-date <date>", "since when the key is known or suspected to be compromised", moment)
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .option("--yes", "do not ask")
    .action((id: string, options: RevokeOptions) => inSession((session) => revokeCertificate(id, options, session)));

  cert
    .command("release")
    .description("release a certificate from a hold")
    .argument("<id>", "id or serial number")
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .action((id: string, options: ReleaseOptions) => inSession((session) => releaseCertificate(id, options, session)));
}
