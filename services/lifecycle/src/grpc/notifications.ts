import { PkiError } from "@vcc-pki/errors";
import {
  DeliveryState,
  type Notice as NoticeMessage,
  NotificationServiceDefinition,
  Severity as SeverityMessage,
  type Webhook as WebhookMessage,
} from "@vcc-pki/proto/lifecycle";
import { type CallContext, type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { By, NoticeDesk } from "../notices/desk.ts";
import type { Severity } from "../notices/notice.ts";
import { secretText, type Webhook } from "../notices/webhook.ts";
import type { DeliveryTable, DeliveryState as State } from "../store/deliveries.ts";
import type { NoticeTable, StoredNotice } from "../store/notices.ts";
import type { WebhookTable } from "../store/webhooks.ts";

export interface NotificationDoor {
  readonly administrators: Administrators;
  readonly desk: NoticeDesk;
  readonly notices: NoticeTable;
  readonly webhooks: WebhookTable;
  readonly deliveries: DeliveryTable;
}

/** Administrators come through the gateway. */
const DOOR = ["gateway"] as const;
const CALLERS: Callers<typeof NotificationServiceDefinition> = {
  listNotices: DOOR,
  acknowledge: DOOR,
  createWebhook: DOOR,
  listWebhooks: DOOR,
  rotateSecret: DOOR,
  removeWebhook: DOOR,
  replay: DOOR,
  listDeliveries: DOOR,
};

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

export function notificationService(door: NotificationDoor): ServiceImplementation {
  const { administrators, desk, notices, webhooks, deliveries } = door;

  async function byOf({ organisation: named }: { organisation: string }, context: CallContext): Promise<By> {
    const organisation = await administrators.resolveOrganisation(context, named);
    return { organisation, requester: context.requester.uri, caller: context.caller.uri };
  }

  return implement(
    NotificationServiceDefinition,
    {
      async listNotices({ all, pageSize, pageToken, ...request }, context) {
        const { organisation } = await byOf(request, context);
        const limit = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
        const page = notices.page(organisation, { before: beforeOf(pageToken), all, limit: limit + 1 });
        const [shown, last] = [page.slice(0, limit), page[limit - 1]];
        const nextPageToken = page.length > limit && last ? String(last.noticeId) : "";
        return { notices: shown.map(noticeToProto), nextPageToken };
      },

      acknowledge: async (request, context) =>
        noticeToProto(await desk.acknowledge(await byOf(request, context), request.noticeId)),

      async createWebhook(request, context) {
        const webhook = await desk.create(await byOf(request, context), request);
        return { webhook: webhookToProto(webhook), secret: secretText(webhook.secret) };
      },

      async listWebhooks(request, context) {
        const { organisation } = await byOf(request, context);
        return { webhooks: webhooks.of(organisation).map(webhookToProto) };
      },

      async rotateSecret(request, context) {
        const webhook = await desk.rotate(await byOf(request, context), request.webhookId);
        return { webhook: webhookToProto(webhook), secret: secretText(webhook.secret) };
      },

      async removeWebhook(request, context) {
        await desk.remove(await byOf(request, context), request.webhookId);
        return {};
      },

      async replay(request, context) {
        return { waiting: await desk.replay(await byOf(request, context), request.webhookId, request.afterNoticeId) };
      },

      async listDeliveries({ webhookId, state, ...request }, context) {
        const { organisation } = await byOf(request, context);
        if (webhooks.find({ organisation, webhookId }) === undefined)
          throw new PkiError("NOT_FOUND", "no such webhook");
        const found = deliveries.of({ organisation, webhookId }, stateFromProto(state), MAX_PAGE);
        return { deliveries: found.map((each) => ({ ...each, state: STATES[each.state] })) };
      },
    },
    CALLERS,
  );
}

function beforeOf(token: string): number {
  if (token === "") return Number.MAX_SAFE_INTEGER;
  if (!/^[1-9]\d{0,14}$/.test(token)) throw new PkiError("REQUEST_MALFORMED", "not a page token of this service");
  return Number(token);
}

const SEVERITIES: Record<Severity, SeverityMessage> = {
  info: SeverityMessage.INFO,
  warning: SeverityMessage.WARNING,
  critical: SeverityMessage.CRITICAL,
};

const STATES: Record<State, DeliveryState> = {
  waiting: DeliveryState.WAITING,
  delivered: DeliveryState.DELIVERED,
  dead: DeliveryState.DEAD,
};

function stateFromProto(message: DeliveryState): State | "" {
  if (message === DeliveryState.UNSPECIFIED) return "";
  const found = Object.entries(STATES).find(([, state]) => state === message);
  if (found === undefined) throw new PkiError("REQUEST_MALFORMED", "no such state of a delivery");
  return found[0] as State;
}

const noticeToProto = ({ topic, severity, acknowledgedBy, ...notice }: StoredNotice): NoticeMessage => ({
  ...notice,
  severity: SEVERITIES[severity],
  acknowledgedBy: acknowledgedBy ?? "",
});

const webhookToProto = ({
  organisation,
  webhookId,
  url,
  kinds,
  createdBy,
  createdAt,
  oldUntil,
}: Webhook): WebhookMessage => ({
  ...{ organisation, webhookId, url, createdBy, createdAt },
  kinds: [...kinds],
  oldSecretUntil: oldUntil,
});
