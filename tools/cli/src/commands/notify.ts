import {
  DeliveryList,
  Notice,
  NoticeList,
  Replayed,
  Webhook,
  WebhookList,
  type WebhookPut,
  WebhookSecret,
} from "@vcc-pki/gateway/api";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date } from "../when.ts";

const NOTICES = "/api/v1/notices";
const WEBHOOKS = "/api/v1/webhooks";

const scope = ({ settings: { organisation } }: Session) => ({ organisation });
const pathOf = (webhookId: string, action = ""): string => `${WEBHOOKS}/${encodeURIComponent(webhookId)}${action}`;

/** What somebody should know, the newest first. */
export async function listNotices({ all }: { readonly all?: boolean }, session: Session): Promise<void> {
  const query = { ...scope(session), all: all ? "true" : undefined };
  const list = await session.client.call({ path: NOTICES, query, answer: NoticeList });
  const rows = list.notices.map((each) => [
    ...[String(each.notice_id), date(each.raised_at), each.severity, each.kind, each.subject, each.text],
    each.acknowledged_by ?? "",
  ]);
  const head = ["no", "when", "", "what", "of", "", "acknowledged by"];
  session.result(list, () => table(head, rows, "nothing that anybody should know"));
}

export async function acknowledgeNotice(noticeId: string, session: Session): Promise<void> {
  const path = `${NOTICES}/${encodeURIComponent(noticeId)}/acknowledge`;
  const notice = await session.client.call({ method: "POST", path, query: scope(session), answer: Notice });
  session.result(notice, () => `${notice.kind} of ${notice.subject}: acknowledged`);
}

export async function listWebhooks(session: Session): Promise<void> {
  const list = await session.client.call({ path: WEBHOOKS, query: scope(session), answer: WebhookList });
  const rows = list.webhooks.map((each) => [
    each.webhook_id,
    each.url,
    each.kinds.join(", ") || "all",
    each.created_by,
  ]);
  session.result(list, () => table(["webhook", "url", "kinds", "made by"], rows, "notices are sent nowhere"));
}

export async function addWebhook(
  webhookId: string,
  url: string,
  { kind }: { readonly kind?: WebhookPut["kinds"] },
  session: Session,
): Promise<void> {
  const body: WebhookPut = { webhook_id: webhookId, url, ...(kind && { kinds: kind }) };
  const call = { method: "POST", path: WEBHOOKS, query: scope(session), body, answer: WebhookSecret } as const;
  const made = await session.client.call(call);
  session.result(made, () => secretText(made));
}

export async function rotateWebhook(webhookId: string, session: Session): Promise<void> {
  const call = { method: "POST", path: pathOf(webhookId, "/rotate"), query: scope(session) } as const;
  const rotated = await session.client.call({ ...call, answer: WebhookSecret });
  session.result(rotated, () => secretText(rotated));
}

const secretText = ({ webhook_id, url, secret, old_secret_until }: WebhookSecret): string =>
  fields([
    ["webhook", webhook_id],
    ["url", url],
    ["secret", `${secret} (it is not shown again)`],
    ["before", old_secret_until === undefined ? undefined : `signs, too, until ${date(old_secret_until)}`],
  ]);

export async function removeWebhook(webhookId: string, session: Session): Promise<void> {
  const answer = Webhook.pick({ webhook_id: true });
  const call = { method: "DELETE", path: pathOf(webhookId), query: scope(session), answer } as const;
  session.result(await session.client.call(call), () => `nothing is sent to ${webhookId} any more`);
}

/** Sends again what was given up, or all after a notice. */
export async function replayWebhook(
  webhookId: string,
  { after }: { readonly after?: string },
  session: Session,
): Promise<void> {
  const body = after === undefined ? {} : { after: Number(after) };
  const call = { method: "POST", path: pathOf(webhookId, "/replay"), query: scope(session), body } as const;
  const replayed = await session.client.call({ ...call, answer: Replayed });
  session.result(replayed, () => `${replayed.waiting} to be sent`);
}

export async function listDeliveries(
  webhookId: string,
  { state }: { readonly state?: string },
  session: Session,
): Promise<void> {
  const query = { ...scope(session), state };
  const call = { path: pathOf(webhookId, "/deliveries"), query, answer: DeliveryList } as const;
  const list = await session.client.call(call);
  const rows = list.deliveries.map(({ notice_id, attempts, due_at, outcome = "", ...each }) => [
    ...[String(notice_id), each.state, String(attempts), outcome, date(due_at)],
  ]);
  session.result(list, () => table(["notice", "state", "attempts", "last", "again at"], rows, "nothing was sent"));
}
