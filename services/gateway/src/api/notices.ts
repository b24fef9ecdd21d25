import { z } from "zod";
import { Scope, Timestamp } from "./fields.ts";

export const NoticeKind = z.enum([
  ...["certificate.expiring", "certificate.expired", "renewal.failed", "service.lapsed", "service.unreachable"],
  ...["status.alarm", "time.alarm", "approval.requested"],
] as const);

export const Notice = z
  .object({
    notice_id: z.int(),
    organisation: z.string(),
    kind: z.string(),
    severity: z.enum(["info", "warning", "critical"]),
    subject: z.string().describe("What it is about: a certificate, a service"),
    text: z.string(),
    raised_at: Timestamp,
    acknowledged_at: Timestamp.optional(),
    acknowledged_by: z.string().optional().describe("SPIFFE URI"),
  })
  .meta({ id: "Notice" });
export type Notice = z.infer<typeof Notice>;

export const NoticeQuery = Scope.extend({
  all: z.stringbool().optional().describe("Acknowledged ones, too"),
  page_size: z.coerce.number().int().min(1).max(1_000).optional(),
  page_token: z.string().max(20).optional(),
});

export const NoticeList = z
  .object({ notices: z.array(Notice).describe("The newest first"), next_page_token: z.string().optional() })
  .meta({ id: "NoticeList" });
export type NoticeList = z.infer<typeof NoticeList>;

export const NoticeParams = z.strictObject({ notice_id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) });

const WebhookId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens");

export const WebhookPut = z
  .strictObject({
    webhook_id: WebhookId,
    url: z
      .url({ protocol: /^https$/ })
      .max(2_000)
      .describe("https, without user, password and fragment"),
    kinds: z.array(NoticeKind).max(20).optional().describe("All when absent"),
  })
  .meta({ id: "WebhookPut" });
export type WebhookPut = z.infer<typeof WebhookPut>;

export const Webhook = z
  .object({
    organisation: z.string(),
    webhook_id: z.string(),
    url: z.string(),
    kinds: z.array(z.string()).describe("Empty: all"),
    created_by: z.string().describe("SPIFFE URI"),
    created_at: Timestamp,
    old_secret_until: Timestamp.optional().describe("Until then the secret before signs, too"),
  })
  .meta({ id: "Webhook" });
export type Webhook = z.infer<typeof Webhook>;

export const WebhookSecret = Webhook.extend({
  secret: z.string().describe("whsec_ and base64 (Standard Webhooks 1.0); told this once"),
}).meta({ id: "WebhookSecret" });
export type WebhookSecret = z.infer<typeof WebhookSecret>;

export const WebhookList = z.object({ webhooks: z.array(Webhook) }).meta({ id: "WebhookList" });
export type WebhookList = z.infer<typeof WebhookList>;

export const WebhookParams = z.strictObject({ webhook_id: WebhookId });

export const ReplayOrder = z
  .strictObject({
    after: z
      .int()
      .min(0)
      .optional()
      .describe("Sends every notice with a greater number again; the dead ones when absent"),
  })
  .meta({ id: "ReplayOrder" });

export const Replayed = z.object({ waiting: z.int() }).meta({ id: "Replayed" });

export const DeliveryState = z.enum(["waiting", "delivered", "dead"]);

export const DeliveryList = z
  .object({
    deliveries: z.array(
      z.object({
        notice_id: z.int(),
        state: DeliveryState,
        attempts: z.int(),
        outcome: z
          .string()
          .optional()
          .describe("Of the last attempt: 204, 500, timeout, unreachable, untrusted, loopback, ..."),
        due_at: Timestamp.optional().describe("When it is tried again"),
      }),
    ),
  })
  .meta({ id: "DeliveryList" });
export type DeliveryList = z.infer<typeof DeliveryList>;

export const DeliveryQuery = Scope.extend({ state: DeliveryState.optional() });
