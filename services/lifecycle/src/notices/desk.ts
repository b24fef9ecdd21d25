import { PkiError } from "@vcc-pki/errors";
import type { FactEvent } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { DeliveryTable } from "../store/deliveries.ts";
import type { NoticeTable, StoredNotice } from "../store/notices.ts";
import type { WebhookTable } from "../store/webhooks.ts";
import { KINDS, noticeOf } from "./notice.ts";
import { newSecret, type Webhook } from "./webhook.ts";

const MAX_WEBHOOKS = 20;
const MAX_URL = 2_000;
const WEBHOOK_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const OLD_SECRET_LIFE_MS = 24 * 3_600_000;

export interface NoticeDeskOptions {
  readonly store: Store;
  readonly notices: NoticeTable;
  readonly webhooks: WebhookTable;
  readonly deliveries: DeliveryTable;
  readonly clock: Clock;
  /** Something is to be sent. */
  readonly onWaiting: () => void;
}

/** Who did it, in whose name. */
export interface By {
  readonly organisation: string;
  /** SPIFFE URIs. */
  readonly requester: string;
  readonly caller: string;
}

/** What is told, and to whom. */
export class NoticeDesk {
  readonly #options: NoticeDeskOptions;

  constructor(options: NoticeDeskOptions) {
    this.#options = options;
  }

  /** A fact becomes a notice, once, and goes to the webhooks that want it. Synchronous, inside `store.write`. */
  hear(fact: FactEvent): void {
    const { notices, webhooks, onWaiting } = this.#options;
    const notice = noticeOf(fact);
    const noticeId = notice && notices.add(notice);
    if (notice === undefined || noticeId === undefined) return;
    for (const webhook of webhooks.of(notice.organisation)) {
      if (webhook.kinds.length === 0 || webhook.kinds.includes(notice.kind)) this.#queue(webhook, noticeId);
    }
    onWaiting();
  }

  /** Throws REQUEST_MALFORMED for what is none, ALREADY_EXISTS, LIMIT_REACHED when there are too many. */
  create(by: By, { webhookId, url, kinds }: Pick<Webhook, "webhookId" | "url" | "kinds">): Promise<Webhook> {
    if (!WEBHOOK_ID.test(webhookId)) throw malformed("an id has letters, digits and hyphens");
    requireUrl(url);
    const unknown = kinds.find((kind) => !KINDS.some((each) => each === kind));
    if (unknown !== undefined) throw malformed(`there are no notices of the kind ${unknown.slice(0, 64)}`);
    const { store, webhooks, clock } = this.#options;
    const { organisation, requester: createdBy } = by;
    const old = { oldSecret: undefined, oldUntil: undefined };
    const webhook = {
      organisation,
      webhookId,
      url,
      kinds,
      secret: newSecret(),
      ...old,
      createdBy,
      createdAt: clock.now(),
    };
    return store.write(() => {
      if (webhooks.find(webhook)) throw new PkiError("ALREADY_EXISTS", `there is a webhook ${webhookId}`);
      if (webhooks.of(organisation).length >= MAX_WEBHOOKS)
        throw malformed(`an organisation has ${MAX_WEBHOOKS} webhooks at most`);
      webhooks.put(webhook);
      this.#audit(by, "webhook.create", webhook);
      return webhook;
    });
  }

  /** A new secret; the one before signs beside it for a day. */
  rotate(by: By, webhookId: string): Promise<Webhook> {
    const { store, webhooks, clock } = this.#options;
    return store.write(() => {
      const webhook = this.#get(by, webhookId);
      const oldUntil = new Date(clock.now().getTime() + OLD_SECRET_LIFE_MS);
      const rotated = { ...webhook, secret: newSecret(), oldSecret: webhook.secret, oldUntil };
      webhooks.put(rotated);
      this.#audit(by, "webhook.rotate", rotated);
      return rotated;
    });
  }

  remove(by: By, webhookId: string): Promise<void> {
    const { store, webhooks } = this.#options;
    return store.write(() => {
      const webhook = this.#get(by, webhookId);
      webhooks.remove(webhook);
      this.#audit(by, "webhook.remove", webhook);
    });
  }

  acknowledge({ organisation, requester }: By, noticeId: number): Promise<StoredNotice> {
    const { store, notices, clock } = this.#options;
    return store.write(() => {
      notices.acknowledge(organisation, noticeId, requester, clock.now());
      const notice = notices.find(organisation, noticeId);
      if (notice === undefined) throw new PkiError("NOT_FOUND", "no such notice");
      return notice;
    });
  }

  /** Sends again what came after a notice, or, without one, what is dead. How many are waiting by that. */
  async replay(by: By, webhookId: string, afterNoticeId: number | undefined): Promise<number> {
    const { store, notices, deliveries, onWaiting } = this.#options;
    const count = await store.write(() => {
      const webhook = this.#get(by, webhookId);
      const ids =
        afterNoticeId === undefined
          ? deliveries.of(webhook, "dead", Number.MAX_SAFE_INTEGER).map(({ noticeId }) => noticeId)
          : notices
              .after(by.organisation, afterNoticeId)
              .filter(({ kind }) => webhook.kinds.length === 0 || webhook.kinds.includes(kind))
              .map(({ noticeId }) => noticeId);
      for (const noticeId of ids) this.#queue(webhook, noticeId);
      this.#audit(by, "webhook.replay", webhook);
      return ids.length;
    });
    onWaiting();
    return count;
  }

  #queue({ organisation, webhookId }: Webhook, noticeId: number): void {
    const { deliveries, clock } = this.#options;
    const due = { state: "waiting", attempts: 0, dueAt: clock.now(), outcome: "" } as const;
    deliveries.set({ organisation, webhookId, noticeId, ...due });
  }

  #get({ organisation }: By, webhookId: string): Webhook {
    const webhook = this.#options.webhooks.find({ organisation, webhookId });
    if (webhook === undefined) throw new PkiError("NOT_FOUND", "no such webhook");
    return webhook;
  }

  #audit({ caller, requester, organisation }: By, action: string, { webhookId, url }: Webhook): void {
    const details = { url: new URL(url).origin };
    this.#options.store.audit.add({
      action,
      outcome: "done",
      caller,
      requester,
      organisation,
      target: webhookId,
      details,
    });
  }
}

/** https, without credentials, which would end up in logs. Whether its address may be connected to shows when it is. */
function requireUrl(text: string): void {
  const url = URL.canParse(text) && text.length <= MAX_URL ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "" || url.hash !== "")
    throw malformed("a webhook is an https URL without user, password and fragment");
}

const malformed = (message: string): PkiError => new PkiError("REQUEST_MALFORMED", message);
