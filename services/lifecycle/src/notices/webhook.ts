import { createHmac, randomBytes } from "node:crypto";

/** Where notices are sent to. */
export interface Webhook {
  readonly organisation: string;
  readonly webhookId: string;
  /** https. */
  readonly url: string;
  /** None: all. */
  readonly kinds: readonly string[];
  readonly secret: Uint8Array;
  /** Signs beside the new one, until then: receivers take their time. */
  readonly oldSecret: Uint8Array | undefined;
  readonly oldUntil: Date | undefined;
  readonly createdBy: string;
  readonly createdAt: Date;
}

const SECRET_OCTETS = 32;
const PREFIX = "whsec_";

export const newSecret = (): Uint8Array => randomBytes(SECRET_OCTETS);

/** As receivers are told it (Standard Webhooks 1.0, "Signature scheme"). */
export const secretText = (secret: Uint8Array): string => PREFIX + Buffer.from(secret).toString("base64");

/** The headers of a message (Standard Webhooks 1.0): its id stays the same over all attempts, and each secret in force signs it. */
export function messageHeaders(webhook: Webhook, messageId: string, body: string, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const isOldInForce = webhook.oldUntil !== undefined && now < webhook.oldUntil;
  const secrets = [webhook.secret, ...(webhook.oldSecret && isOldInForce ? [webhook.oldSecret] : [])];
  const signatures = secrets.map((secret) => {
    const mac = createHmac("sha256", secret).update(`${messageId}.${timestamp}.${body}`).digest("base64");
    return `v1,${mac}`;
  });
  return {
    "webhook-id": messageId,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
    "content-type": "application/json",
  };
}
