import { LifecycleState } from "@vcc-pki/gateway/api";
import { type Command, Option } from "commander";
import {
  type ListManagedOptions,
  listManaged,
  type ReportOptions,
  showHistory,
  showReport,
} from "../commands/lifecycle.ts";
import type { RunIn } from "./run.ts";

export function addLifecycleCommands(program: Command, inSession: RunIn): void {
  program
    .command("history")
    .description("who, when and why: a certificate from its request to its end, and across renewals")
    .argument("<id>", "certificate id, or serial number in hex")
    .action((id: string) => inSession((session) => showHistory(id, session)));
  program
    .command("lifecycle")
    .description("where certificates are in their lives; what ends first comes first")
    .addOption(new Option("--state <state>", "only these").choices(LifecycleState.options))
    .option("--profile <profile>", "only of this profile")
    .option("--within <days>", "only what ends within so many days")
    .option("--limit <number>", "at most so many", "100")
    .action((options: ListManagedOptions) => inSession((session) => listManaged(options, session)));
  program
    .command("report")
    .description("what was issued, renewed, revoked and forgotten in a period, and what is about to end")
    .option("--from <date>", "RFC 3339, or a day; thirty days before the end when absent")
    .option("--until <date>", "RFC 3339, or a day; now when absent")
    .action((options: ReportOptions) => inSession((session) => showReport(options, session)));
}
