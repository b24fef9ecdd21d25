import type { NotificationServiceDefinition } from "@vcc-pki/proto/lifecycle";
import type { Remote } from "@vcc-pki/rpc";
import { Scope } from "../api/fields.ts";
import {
  DeliveryList,
  DeliveryQuery,
  Notice,
  NoticeList,
  NoticeParams,
  NoticeQuery,
  Replayed,
  ReplayOrder,
  Webhook,
  WebhookList,
  WebhookParams,
  WebhookPut,
  WebhookSecret,
} from "../api/notices.ts";
import { type App, onBehalfOf, organisationOf } from "../http.ts";
import {
  deliveryStateToProto,
  deliveryToJson,
  noticeToJson,
  webhookSecretToJson,
  webhookToJson,
} from "../wire/notices.ts";
import { present } from "../wire/values.ts";
import { refusals } from "./documented.ts";

const tags = ["notices"];

/** What somebody should know, and where it is sent to. */
export function noticeRoutes(app: App, notifications: Remote<NotificationServiceDefinition>): void {
  app.get(
    "/api/v1/notices",
    {
      schema: {
        tags,
        summary: "What somebody should know: expiring certificates, failed renewals, alarms, approvals",
        querystring: NoticeQuery,
        response: { 200: NoticeList, ...refusals },
      },
    },
    async (request) => {
      const { all = false, page_size: pageSize = 0, page_token: pageToken = "" } = request.query;
      const asked = { organisation: organisationOf(request), all, pageSize, pageToken };
      const { notices, nextPageToken } = await notifications.listNotices(asked, onBehalfOf(request));
      return { notices: notices.map(noticeToJson), next_page_token: present(nextPageToken) };
    },
  );

  app.post(
    "/api/v1/notices/:notice_id/acknowledge",
    {
      schema: {
        tags,
        summary: "Say that somebody takes care of it",
        params: NoticeParams,
        querystring: Scope,
        response: { 200: Notice, ...refusals },
      },
    },
    async (request) => {
      const asked = { organisation: organisationOf(request), noticeId: request.params.notice_id };
      return noticeToJson(await notifications.acknowledge(asked, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/webhooks",
    {
      schema: {
        tags,
        summary: "Where notices are sent to",
        querystring: Scope,
        response: { 200: WebhookList, ...refusals },
      },
    },
    async (request) => {
      const asked = { organisation: organisationOf(request) };
      const { webhooks } = await notifications.listWebhooks(asked, onBehalfOf(request));
      return { webhooks: webhooks.map(webhookToJson) };
    },
  );

  app.post(
    "/api/v1/webhooks",
    {
      schema: {
        tags,
        summary: "Have notices sent somewhere, signed (Standard Webhooks 1.0); the secret is told this once",
        querystring: Scope,
        body: WebhookPut,
        response: { 200: WebhookSecret, ...refusals },
      },
    },
    async (request) => {
      const { webhook_id: webhookId, url, kinds = [] } = request.body;
      const asked = { organisation: organisationOf(request), webhookId, url, kinds };
      return webhookSecretToJson(await notifications.createWebhook(asked, onBehalfOf(request)));
    },
  );

  oneWebhookRoutes(app, notifications);
}

function oneWebhookRoutes(app: App, notifications: Remote<NotificationServiceDefinition>): void {
  const named = (request: { params: { webhook_id: string }; query: { organisation?: string } }) => ({
    ...{ organisation: organisationOf(request), webhookId: request.params.webhook_id },
  });

  app.delete(
    "/api/v1/webhooks/:webhook_id",
    {
      schema: {
        tags,
        summary: "Send nothing there any more",
        params: WebhookParams,
        querystring: Scope,
        response: { 200: Webhook.pick({ webhook_id: true }).meta({ id: "RemovedWebhook" }), ...refusals },
      },
    },
    async (request) => {
      await notifications.removeWebhook(named(request), onBehalfOf(request));
      return request.params;
    },
  );

  app.post(
    "/api/v1/webhooks/:webhook_id/rotate",
    {
      schema: {
        tags,
        summary: "A new secret; the one before signs, too, for a day",
        params: WebhookParams,
        querystring: Scope,
        response: { 200: WebhookSecret, ...refusals },
      },
    },
    async (request) => webhookSecretToJson(await notifications.rotateSecret(named(request), onBehalfOf(request))),
  );

  app.post(
    "/api/v1/webhooks/:webhook_id/replay",
    {
      schema: {
        tags,
        summary: "Send again what was given up, or all after a notice",
        params: WebhookParams,
        querystring: Scope,
        body: ReplayOrder,
        response: { 200: Replayed, ...refusals },
      },
    },
    (request) => notifications.replay({ ...named(request), afterNoticeId: request.body.after }, onBehalfOf(request)),
  );

  app.get(
    "/api/v1/webhooks/:webhook_id/deliveries",
    {
      schema: {
        tags,
        summary: "What was sent, what waits, and what was given up",
        params: WebhookParams,
        querystring: DeliveryQuery,
        response: { 200: DeliveryList, ...refusals },
      },
    },
    async (request) => {
      const asked = { ...named(request), state: deliveryStateToProto(request.query.state) };
      const { deliveries } = await notifications.listDeliveries(asked, onBehalfOf(request));
      return { deliveries: deliveries.map(deliveryToJson) };
    },
  );
}
