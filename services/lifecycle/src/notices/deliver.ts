import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { Delivery, DeliveryTable } from "../store/deliveries.ts";
import type { NoticeTable, StoredNotice } from "../store/notices.ts";
import type { WebhookTable } from "../store/webhooks.ts";
import { isDelivered, isGone, type SendOptions, send } from "./send.ts";
import { messageHeaders } from "./webhook.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** After each attempt that failed, as Standard Webhooks recommends: for some three days. Then it is dead, until somebody replays it. */
export const RETRY_AFTER_MS = [
  ...[
    5_000,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
  ],
] as const;

const AT_ONCE = 16;

export interface DeliverOptions extends SendOptions {
  readonly store: Store;
  readonly notices: NoticeTable;
  readonly webhooks: WebhookTable;
  readonly deliveries: DeliveryTable;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sends what is due to webhooks, at least once each. A crash between the answer and its record sends it again under the same id. */
export async function deliverDue(options: DeliverOptions): Promise<void> {
  const { deliveries, clock } = options;
  for (;;) {
    const due = deliveries.due(clock.now(), AT_ONCE);
    if (due.length === 0) return;
    await Promise.all(due.map((delivery) => deliver(delivery, options)));
  }
}

async function deliver(delivery: Delivery, options: DeliverOptions): Promise<void> {
  const { store, notices, webhooks, deliveries, clock, log } = options;
  const webhook = webhooks.find(delivery);
  const notice = notices.find(delivery.organisation, delivery.noticeId);
  if (webhook === undefined || notice === undefined) return;
  const messageId = `notice_${notice.noticeId}`;
  const body = JSON.stringify(messageOf(notice));
  const outcome = await send(webhook.url, messageHeaders(webhook, messageId, body, clock.now()), body, options);
  const attempts = delivery.attempts + 1;
  const waitMs = RETRY_AFTER_MS[delivery.attempts];
  const isDead = !isDelivered(outcome) && (waitMs === undefined || isGone(outcome));
  await store.write(() =>
    deliveries.set({
      ...{ ...delivery, attempts, outcome },
      state: isDelivered(outcome) ? "delivered" : isDead ? "dead" : "waiting",
      dueAt: new Date(clock.now().getTime() + (waitMs ?? 0)),
    }),
  );
  const about = { organisation: delivery.organisation, webhookId: delivery.webhookId, messageId, attempts, outcome };
  if (isDead) log.error("notice not delivered", about);
  else if (!isDelivered(outcome)) log.warn("notice not delivered yet", about);
}

/** The payload (Standard Webhooks 1.0): what it is, when it was, and what it says. */
export const messageOf = ({ noticeId, organisation, kind, severity, subject, text, raisedAt }: StoredNotice) => ({
  type: kind,
  timestamp: raisedAt.toISOString(),
  data: { notice_id: noticeId, organisation, severity, subject, text },
});
