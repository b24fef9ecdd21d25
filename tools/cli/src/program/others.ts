import { ISOLATION_LEVELS } from "@vcc-pki/gateway/api";
import { type Command, Option } from "commander";
import { type TailOptions, tailEvents } from "../commands/events.ts";
import {
  type CreateOptions,
  createOrganisation,
  grantMembership,
  listOrganisations,
  revokeMembership,
} from "../commands/org.ts";
import { listProfiles, showProfile } from "../commands/profile.ts";
import type { RunIn } from "./run.ts";
import { moment, naturalNumber, positiveInteger } from "./values.ts";

export function addProfileCommands(program: Command, inSession: RunIn): void {
  const profile = program.command("profile").description("kinds of certificates");
  profile
    .command("list")
    .description("all of them")
    .action(() => inSession(listProfiles));
  profile
    .command("show")
    .description("one of them, as it is configured")
    .argument("<profile>")
    .action((id: string) => inSession((session) => showProfile(id, session)));
}

export function addOrganisationCommands(program: Command, inSession: RunIn): void {
  const org = program.command("org").description("organisations");
  org
    .command("list")
    .description("those you may act for")
    .action(() => inSession(listOrganisations));
  org
    .command("create")
    .description("create one (the operator's right)")
    .argument("<id>", "short name, such as bayern")
    .requiredOption("--name <name>", "its full name")
    .addOption(new Option("--isolation <level>", "strict unless given").choices([...ISOLATION_LEVELS]))
    .option("--allow <name...>", "DNS names it may use: exact, or *.suffix for all below")
    .option("--allow-network <cidr...>", "networks whose addresses it may use")
    .option("--contact <address>", "whom to write to")
    .option("--authority <id...>", "the operator's authorities it may use")
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .action((id: string, options: CreateOptions) => inSession((session) => createOrganisation(id, options, session)));
  org
    .command("grant")
    .description("let a person of another organisation administer this one")
    .argument("<id>", "organisation")
    .argument("<identity>", "SPIFFE URI of the person")
    .option("--until <date>", "until then; until revoked unless given", moment)
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .action((id: string, identity: string, options: { until?: Date; requestId?: string }) =>
      inSession((session) => grantMembership(id, identity, options, session)),
    );
  org
    .command("revoke-grant")
    .description("end that")
    .argument("<id>", "organisation")
    .argument("<identity>", "SPIFFE URI of the person")
    .option("--request-id <id>", "repeat an earlier request and get its answer")
    .action((id: string, identity: string, options: { requestId?: string }) =>
      inSession((session) => revokeMembership(id, identity, options, session)),
    );
}

export function addEventCommands(program: Command, inSession: RunIn): void {
  const events = program.command("events").description("what has happened, and happens");
  events
    .command("tail")
    .description("follow the organisation's events until interrupted; with --json one CloudEvent per line")
    .option("--last <n>", "begin with so many of the newest", naturalNumber, 10)
    .option("--limit <n>", "stop after so many", positiveInteger)
    .action((options: TailOptions) => inSession((session) => tailEvents(options, session)));
}
