import {
  type Delivery as DeliveryMessage,
  DeliveryState as DeliveryStateMessage,
  type Notice as NoticeMessage,
  Severity,
  type Webhook as WebhookMessage,
  type WebhookSecret as WebhookSecretMessage,
} from "@vcc-pki/proto/lifecycle";
import type { DeliveryList, Notice, Webhook, WebhookSecret } from "../api/notices.ts";
import { known, present, requiredTimestamp, timestamp } from "./values.ts";

const SEVERITIES: Partial<Record<Severity, Notice["severity"]>> = {
  [Severity.INFO]: "info",
  [Severity.WARNING]: "warning",
  [Severity.CRITICAL]: "critical",
};

type Delivery = DeliveryList["deliveries"][number];

const STATES: Partial<Record<DeliveryStateMessage, Delivery["state"]>> = {
  [DeliveryStateMessage.WAITING]: "waiting",
  [DeliveryStateMessage.DELIVERED]: "delivered",
  [DeliveryStateMessage.DEAD]: "dead",
};

/** Absent: any. */
export function deliveryStateToProto(state: Delivery["state"] | undefined): DeliveryStateMessage {
  const found = Object.entries(STATES).find(([, name]) => name === state);
  return (found?.[0] as DeliveryStateMessage | undefined) ?? DeliveryStateMessage.UNSPECIFIED;
}

export const noticeToJson = (message: NoticeMessage): Notice => ({
  notice_id: message.noticeId,
  ...{ organisation: message.organisation, kind: message.kind, subject: message.subject, text: message.text },
  severity: known(SEVERITIES[message.severity], "severity"),
  raised_at: requiredTimestamp(message.raisedAt, "time"),
  acknowledged_at: timestamp(message.acknowledgedAt),
  acknowledged_by: present(message.acknowledgedBy),
});

export const webhookToJson = (message: WebhookMessage): Webhook => ({
  ...{ organisation: message.organisation, webhook_id: message.webhookId, url: message.url, kinds: message.kinds },
  created_by: message.createdBy,
  created_at: requiredTimestamp(message.createdAt, "created_at"),
  old_secret_until: timestamp(message.oldSecretUntil),
});

export function webhookSecretToJson({ webhook, secret }: WebhookSecretMessage): WebhookSecret {
  if (webhook === undefined) throw new Error("the answer has no webhook");
  return { ...webhookToJson(webhook), secret };
}

export const deliveryToJson = ({ noticeId, state, attempts, outcome, dueAt }: DeliveryMessage): Delivery => ({
  ...{ notice_id: noticeId, state: known(STATES[state], "state"), attempts, outcome: present(outcome) },
  due_at: state === DeliveryStateMessage.WAITING ? timestamp(dueAt) : undefined,
});
