import { createPrivateKey, type KeyObject } from "node:crypto";
import { Approval, type ApprovalDecision, ApprovalList } from "@vcc-pki/gateway/api";
import { signDecision } from "@vcc-pki/signer";
import { checkApproval } from "../approval-check.ts";
import { readInput } from "../files.ts";
import { describePayload } from "../payload-text.ts";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { UsageError } from "../usage.ts";
import { date, dateWithDistance } from "../when.ts";

export interface ListOptions {
  readonly state?: string;
}

export async function listApprovals(options: ListOptions, session: Session): Promise<void> {
  const query = { status: options.state };
  const { approvals } = await session.client.call({ path: "/api/v1/approvals", query, answer: ApprovalList });
  session.result({ approvals }, () =>
    table(
      ["id", "state", "what", "decided", "requested by", "expires"],
      approvals.map((approval) => [
        approval.approval_id,
        approval.status,
        whatIsAsked(approval),
        decided(approval),
        approval.requester,
        date(approval.expires_at),
      ]),
      "no approvals",
    ),
  );
}

/** What would be signed, in a few words. What cannot be read is for `show` to complain about. */
function whatIsAsked({ payload_type: type, payload }: Approval): string {
  try {
    const entries = new Map(describePayload(type, new Uint8Array(Buffer.from(payload, "base64"))));
    const whose = entries.get("subject") ?? entries.get("issuer");
    return whose === undefined ? type : `${type} ${whose}`;
  } catch {
    return type;
  }
}

/** "1 of 2", with refusals named. */
function decided({ decisions, threshold }: Approval): string {
  const refusals = decisions.filter(({ decision }) => decision === "refuse").length;
  const approvals = `${decisions.length - refusals} of ${threshold}`;
  return refusals === 0 ? approvals : `${approvals}, ${refusals} refused`;
}

const getApproval = (id: string, { client }: Session) =>
  client.call({ path: `/api/v1/approvals/${encodeURIComponent(id)}`, answer: Approval });

export async function showApproval(id: string, session: Session): Promise<void> {
  const approval = await getApproval(id, session);
  const now = session.io.clock.now();
  session.result(approval, () =>
    fields([
      // What is over may be looked at as well: its expiry is no reason to hide it.
      ...checkApproval(approval, new Date(0)).entries,
      ["state", approval.status],
      ["decided", decided(approval)],
      ["", approval.decisions.map(({ custodian_id, decision }) => `${custodian_id}: ${decision}`).join("\n")],
      ["created", dateWithDistance(approval.created_at, now)],
    ]),
  );
}

export interface SignOptions {
  readonly key: string;
  readonly custodian: string;
  readonly refuse?: boolean;
  readonly yes?: boolean;
}

/** A custodian's decision: fetch, check, show, ask, sign here, hand in. The custodian's key is read only after a yes. */
export async function signApproval(id: string, options: SignOptions, session: Session): Promise<void> {
  const { client, io } = session;
  const decision = options.refuse ? "refuse" : "approve";
  const checked = checkApproval(await getApproval(id, session), io.clock.now());
  session.note(`${fields(checked.entries)}\n`);
  await session.confirm(`${options.custodian}: ${decision} this?`, options.yes);

  const signature = signDecision(readCustodianKey(options.key), checked.canonicalRequest, decision);
  const body: ApprovalDecision = {
    custodian_id: options.custodian,
    decision,
    signature: Buffer.from(signature).toString("base64"),
  };
  const path = `/api/v1/approvals/${encodeURIComponent(id)}/decisions`;
  const handingIn = client.call({ method: "POST", path, body, answer: Approval });
  const approval = await session.during(`handing in the decision of ${options.custodian}`, handingIn);
  session.result(approval, () => `${approval.approval_id}: ${approval.status}, ${decided(approval)} approved`);
}

function readCustodianKey(file: string): KeyObject {
  try {
    return createPrivateKey(readInput(file));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} is not an unencrypted private key in PEM`, { cause: error });
  }
}
