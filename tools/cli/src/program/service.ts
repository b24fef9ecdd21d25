import { SERVICE_STATES } from "@vcc-pki/gateway/api";
import { type Command, Option } from "commander";
import { type ApproveOptions, approveEnrolment } from "../commands/approve.ts";
import {
  approveService,
  type ListServicesOptions,
  listDependencies,
  listServices,
  type RegisterOptions,
  registerService,
  removeService,
  showService,
} from "../commands/service.ts";
import { type CreateTokenOptions, createToken, listTokens, revokeToken } from "../commands/token.ts";
import type { RunIn } from "./run.ts";
import { duration } from "./values.ts";

const REQUEST_ID = ["--request-id <id>", "repeat an earlier request and get its answer"] as const;

export function addServiceCommands(program: Command, inSession: RunIn): void {
  const service = program
    .command("service")
    .description("services: who they are, and whether they may have an identity");
  service
    .command("list")
    .description("those of the organisation")
    .addOption(new Option("--status <status>", "those in this state").choices([...SERVICE_STATES]))
    .option("--type <type>", "those of this type")
    .action((options: ListServicesOptions) => inSession((session) => listServices(options, session)));
  service
    .command("show")
    .description("one of them")
    .argument("<service>")
    .option("--history", "with what has happened to it")
    .action((name: string, options: { history?: boolean }) =>
      inSession((session) => showService(name, options, session)),
    );
  service
    .command("register")
    .description("say what a service is; it gets an identity once it is approved")
    .argument("<service>", "its name, such as covina-backend")
    .option("--type <type>", "what kind it is, such as covina")
    .option("--description <text>", "for people")
    .option("--owner <text>", "a team or an address")
    .option("--endpoint <url...>", "where it is reached")
    .option("--health <url>", "where it says how it is")
    .option("--health-dialect <dialect>", "how that is read; found out unless given")
    .option("--dns <name...>", "DNS names its certificate may carry")
    .option("--ip <address...>", "addresses its certificate may carry")
    .option("--profile <profile>", "of its certificate; mtls_service unless given")
    .option("--depends-on <service...>", "services that it calls")
    .option("--managed-by <service>", "the service whose agent looks after it, too")
    .option("--approve", "and approve it at once")
    .option(...REQUEST_ID)
    .action((name: string, options: RegisterOptions) =>
      inSession((session) => registerService(name, options, session)),
    );
  service
    .command("dependencies")
    .description("whom services call, as they declare it and as decisions were asked for")
    .action(() => inSession(listDependencies));
  service
    .command("approve")
    .description("let a registered or discovered service have an identity")
    .argument("<service>")
    .option(...REQUEST_ID)
    .action((name: string, options: { requestId?: string }) =>
      inSession((session) => approveService(name, options, session)),
    );
  service
    .command("remove")
    .description("end its identity: grants and tokens end, certificates are revoked")
    .argument("<service>")
    .option("--yes", "do not ask")
    .action((name: string, options: { yes?: boolean }) =>
      inSession((session) => removeService(name, options, session)),
    );
}

export function addTokenCommands(program: Command, inSession: RunIn): void {
  const token = program
    .command("token")
    .description("enrolment tokens: with one a service gets its first certificate, once");
  token
    .command("create")
    .description("make one, and so approve the service; it is shown this once, on standard output")
    .argument("<service>", "the service it is for")
    .option("--dns <name...>", "DNS names the certificate may carry; those registered unless given")
    .option("--ip <address...>", "addresses the certificate may carry")
    .option("--profile <profile>", "of the certificate; the registered one, or mtls_service")
    .option("--valid-for <duration>", "such as 15m, which is the default; at most 24h", duration)
    .option("--network <cidr>", "it may be used from there alone")
    .option("--spki-sha256 <hex>", "it may be used for this key alone")
    .action((service: string, options: CreateTokenOptions) =>
      inSession((session) => createToken(service, options, session)),
    );
  token
    .command("list")
    .description("those of the organisation, without what proves them")
    .option("--service <service>", "of this service alone")
    .action((options: { service?: string }) => inSession((session) => listTokens(options, session)));
  token
    .command("revoke")
    .description("nobody can use it any more")
    .argument("<id>", "see token list")
    .action((id: string) => inSession((session) => revokeToken(id, session)));
}

export function addApproveCommand(program: Command, inSession: RunIn): void {
  program
    .command("approve")
    .description("decide on a service that asks for an identity without token; without id: list those that wait")
    .argument("[id]", "of the request")
    .option("--refuse", "it gets none")
    .option("--profile <profile>", "of the certificate; the registered one, or mtls_service")
    .option("--yes", "do not ask")
    .option(...REQUEST_ID)
    .action((id: string | undefined, options: ApproveOptions) =>
      inSession((session) => approveEnrolment(id, options, session)),
    );
}
