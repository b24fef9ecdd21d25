import { randomUUIDv7 } from "node:crypto";
import { EnrolmentRequest, EnrolmentRequestList } from "@vcc-pki/gateway/api";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date } from "../when.ts";

const REQUESTS = "/api/v1/enrolment/requests";

export interface ApproveOptions {
  readonly profile?: string;
  readonly refuse?: boolean;
  readonly yes?: boolean;
  readonly requestId?: string;
}

/** Without id: what waits. With one: shows whose key it is, asks, and decides. */
export async function approveEnrolment(
  id: string | undefined,
  options: ApproveOptions,
  session: Session,
): Promise<void> {
  if (id === undefined) return listWaiting(session);
  const { settings, client } = session;
  const query = { organisation: settings.organisation };
  const path = `${REQUESTS}/${encodeURIComponent(id)}`;
  const asked = await client.call({ path, query, answer: EnrolmentRequest });
  session.note(requestText(asked));
  const question = options.refuse
    ? `Refuse ${asked.service} an identity?`
    : `Does the service's own machine show this key, and may ${asked.service} have the identity?`;
  await session.confirm(question, options.yes);
  const body = { decision: options.refuse ? "refuse" : "approve", profile: options.profile };
  const { requestId = randomUUIDv7() } = options;
  const deciding = {
    method: "POST",
    path: `${path}/decide`,
    query,
    body,
    requestId,
    answer: EnrolmentRequest,
  } as const;
  const decided = await client.call(deciding);
  session.result(decided, () => `${decided.request_id} for ${decided.service}: ${decided.status}`);
}

async function listWaiting(session: Session): Promise<void> {
  const query = { organisation: session.settings.organisation, status: "pending" };
  const found = await session.client.call({ path: REQUESTS, query, answer: EnrolmentRequestList });
  session.result(found, () => {
    const rows = found.requests.map((each) => [
      ...[each.request_id, each.service, each.dns_names.join(" "), each.peer_address, date(each.requested_at)],
      each.spki_sha256,
    ]);
    return table(["id", "service", "names", "from", "asked", "key (SHA-256)"], rows, "nobody asks for an identity");
  });
}

const requestText = (asked: EnrolmentRequest): string =>
  fields([
    ["service", `${asked.service} of ${asked.organisation}`],
    ["names", [...asked.dns_names, ...asked.ip_addresses].join("\n")],
    ["key", `${asked.key_algorithm}, SHA-256 ${asked.spki_sha256}`],
    ["from", asked.peer_address],
    ["asked", date(asked.requested_at)],
    ["status", asked.status],
  ]);
