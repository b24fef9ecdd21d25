import type { ApprovalServiceDefinition } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import { Approval, ApprovalDecision, ApprovalList, ApprovalListQuery, ApprovalParams } from "../api/approvals.ts";
import type { ApprovalAccess } from "../approval-access.ts";
import { type App, adminOf, onBehalfOf } from "../http.ts";
import { approvalStatusToProto, approvalToJson, decisionToProto } from "../wire/approval.ts";
import { refusals } from "./documented.ts";

const tags = ["approvals"];

/** Operations that wait for custodians. The gateway only carries decisions; each is signed by a custodian's own key and
 *  judged in the hsm-gateway. */
export function approvalRoutes(app: App, approvals: Remote<ApprovalServiceDefinition>, access: ApprovalAccess): void {
  app.get(
    "/api/v1/approvals",
    {
      schema: {
        tags,
        summary: "Operations that wait, or waited, for custodians",
        querystring: ApprovalListQuery,
        response: { 200: ApprovalList, ...refusals },
      },
    },
    async (request) => {
      const state = approvalStatusToProto(request.query.status);
      const answer = await approvals.list({ state }, onBehalfOf(request));
      const mayView = await access.viewOf(adminOf(request));
      return { approvals: answer.approvals.filter(mayView).map(approvalToJson) };
    },
  );

  app.get(
    "/api/v1/approvals/:id",
    {
      schema: {
        tags,
        summary: "One of them, with the bytes that custodians sign",
        params: ApprovalParams,
        response: { 200: Approval, ...refusals },
      },
    },
    async (request) => approvalToJson(await access.get(request.params.id, adminOf(request))),
  );

  app.post(
    "/api/v1/approvals/:id/decisions",
    {
      schema: {
        tags,
        summary: "Hand in a custodian's signed decision; the operation runs when the threshold is met",
        params: ApprovalParams,
        body: ApprovalDecision,
        response: { 200: Approval, ...refusals },
      },
    },
    async (request) => {
      const { custodian_id, decision, signature } = request.body;
      const { approvalId } = await access.get(request.params.id, adminOf(request));
      const decided = {
        approvalId,
        custodianId: custodian_id,
        decision: decisionToProto(decision),
        signature: Buffer.from(signature, "base64"),
      };
      return approvalToJson(await approvals.decide(decided, onBehalfOf(request)));
    },
  );
}
