import { PkiError } from "@vcc-pki/errors";
import type { Approval, ApprovalServiceDefinition, CustodianServiceDefinition } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import type { AdminId } from "./http.ts";

/** The organisation an approval is about, from the request custodians sign. "" where none owns what is changed. */
function organisationOf({ canonicalRequest }: Approval): string {
  const { organisation } = JSON.parse(Buffer.from(canonicalRequest).toString("utf8"));
  if (typeof organisation !== "string") throw new Error("an approval without organisation");
  return organisation;
}

export interface ApprovalAccess {
  /** Tells, for one person, which approvals are theirs to see. */
  viewOf(requester: AdminId): Promise<(approval: Approval) => boolean>;
  /** The approval if it is the requester's to see. Throws NOT_FOUND, the same for one that is not and one that is not there. */
  get(approvalId: string, requester: AdminId): Promise<Approval>;
}

export interface ApprovalAccessOptions {
  readonly approvals: Pick<Remote<ApprovalServiceDefinition>, "get">;
  readonly custodians: Pick<Remote<CustodianServiceDefinition>, "list">;
  readonly operatorOrganisation: string;
}

/** The hsm-gateway knows keys and custodians but no memberships; it leaves to this door who may look. Custodians and the operator see
 *  all approvals, everybody else those of their own organisation and those they asked for. Deciding takes a custodian's key. */
export function createApprovalAccess({
  approvals,
  custodians,
  operatorOrganisation,
}: ApprovalAccessOptions): ApprovalAccess {
  const viewOf = async (requester: AdminId) => {
    if (requester.organisation === operatorOrganisation) return () => true;
    const { custodians: all } = await custodians.list({}, { requester });
    if (all.some(({ identity }) => identity === requester.uri)) return () => true;
    return (approval: Approval) =>
      organisationOf(approval) === requester.organisation || approval.requester === requester.uri;
  };
  return {
    viewOf,
    async get(approvalId, requester) {
      const mayView = await viewOf(requester);
      const approval = await approvals.get({ approvalId }, { requester });
      if (!mayView(approval)) throw new PkiError("NOT_FOUND", "no such approval");
      return approval;
    },
  };
}
