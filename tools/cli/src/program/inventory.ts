import { VERDICTS } from "@vcc-pki/gateway/api";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  followSweep,
  type ListInventoryOptions,
  listInventory,
  type ProbeOptions,
  probe,
  type SweepOptions,
  showEndpoint,
  sweep,
} from "../commands/inventory.ts";
import type { RunIn } from "./run.ts";
import { moment, positiveInteger } from "./values.ts";

export function addInventoryCommands(program: Command, inSession: RunIn): void {
  const inventory = program.command("inventory").description("what certificates are served out there, by whomever");
  inventory
    .command("list")
    .description("endpoints as they were last seen")
    .addOption(new Option("--verdict <verdict>", "these alone").choices(VERDICTS))
    .option("--service <service>", "of this service alone")
    .option("--expires-before <date>", "with a certificate that ends before", moment)
    .action((options: ListInventoryOptions) => inSession((session) => listInventory(options, session)));
  inventory
    .command("show")
    .description("one endpoint: its chain, and what has changed there")
    .argument("<host:port>", "as the list has it")
    .action((endpoint: string) => inSession((session) => showEndpoint(endpoint, session)));
  inventory
    .command("probe")
    .description("look at one endpoint now; exit code 0 when it serves a valid certificate of ours, 3 otherwise")
    .argument("<host:port>", "[address]:port for IPv6")
    .option("--name <name>", "for whom its certificate should be (default: the host name)")
    .option("--health-path <path>", "ask for its health there")
    .addOption(
      new Option("--health-dialect <dialect>", "how the answer is read").choices([
        "auto",
        "status",
        "ready",
        "components",
        "http",
      ]),
    )
    .action((target: string, options: ProbeOptions) => inSession((session) => probe(target, options, session)));
  inventory
    .command("sweep")
    .description("look for all TLS in networks that the suite's configuration allows; goes on when you leave")
    .argument("<network...>", "in CIDR notation")
    .option("--port <port...>", "these alone (default: all that are allowed)", ports)
    .option("--detach", "do not wait for its end")
    .option("--request-id <id>", "of an attempt that got no answer")
    .action((networks: string[], options: SweepOptions) => inSession((session) => sweep(networks, options, session)));
  inventory
    .command("sweep-status")
    .description("how far a sweep has come, until its end")
    .argument("[id]", "default: the newest")
    .action((id: string | undefined) => inSession((session) => followSweep(id, session)));
}

function ports(text: string, earlier: readonly number[] = []): readonly number[] {
  const port = positiveInteger(text);
  if (port > 65_535) throw new InvalidArgumentError("There are not so many.");
  return [...earlier, port];
}
