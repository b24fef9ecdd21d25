import { DeliveryState, NoticeKind, type WebhookPut } from "@vcc-pki/gateway/api";
import { type Command, Option } from "commander";
import {
  acknowledgeNotice,
  addWebhook,
  listDeliveries,
  listNotices,
  listWebhooks,
  removeWebhook,
  replayWebhook,
  rotateWebhook,
} from "../commands/notify.ts";
import type { RunIn } from "./run.ts";

export function addNotifyCommands(program: Command, inSession: RunIn): void {
  const notify = program.command("notify").description("what somebody should know, and where it is sent to");
  notify
    .command("list")
    .description("notices that nobody has acknowledged, the newest first")
    .option("--all", "acknowledged ones, too")
    .action((options: { all?: boolean }) => inSession((session) => listNotices(options, session)));
  notify
    .command("ack")
    .description("say that you take care of it")
    .argument("<number>", "of the notice")
    .action((number: string) => inSession((session) => acknowledgeNotice(number, session)));
  notify
    .command("webhooks")
    .description("where notices are sent to")
    .action(() => inSession((session) => listWebhooks(session)));
  notify
    .command("add")
    .description("have notices sent to a webhook, signed (Standard Webhooks 1.0); prints its secret, this once")
    .argument("<id>", "a name for it")
    .argument("<url>", "https")
    .addOption(new Option("--kind <kind...>", "only these; all when absent").choices(NoticeKind.options))
    .action((id: string, url: string, options: { kind?: WebhookPut["kinds"] }) =>
      inSession((session) => addWebhook(id, url, options, session)),
    );
  notify
    .command("rotate")
    .description("a new secret for a webhook; the one before signs, too, for a day")
    .argument("<id>")
    .action((id: string) => inSession((session) => rotateWebhook(id, session)));
  notify
    .command("remove")
    .description("send nothing to a webhook any more")
    .argument("<id>")
    .action((id: string) => inSession((session) => removeWebhook(id, session)));
  notify
    .command("replay")
    .description("send to a webhook again what was given up")
    .argument("<id>")
    .option("--after <number>", "every notice with a greater number instead; 0: all")
    .action((id: string, options: { after?: string }) => inSession((session) => replayWebhook(id, options, session)));
  notify
    .command("deliveries")
    .description("what was sent to a webhook, what waits, and what was given up")
    .argument("<id>")
    .addOption(new Option("--state <state>", "only these").choices(DeliveryState.options))
    .action((id: string, options: { state?: string }) => inSession((session) => listDeliveries(id, options, session)));
}
