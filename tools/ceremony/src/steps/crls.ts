import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { GetCrlResponse } from "@vcc-pki/proto/ca";
import type { RunStep, StepContext } from "../context.ts";
import { writeWhole } from "../files.ts";
import type { StepOf } from "../script.ts";

/** The first lists of authorities under quorum, and those for the years to come, so that nobody has to gather the custodians on the
 *  day a list is needed. The one in force is also written as a file beside the root. */
export const publishCrls: RunStep<StepOf<"publish-crls">> = async ({ authorities, ahead }, context) => {
  const published = [];
  for (const authority of authorities) {
    const { crlDer, crlNumber, nextUpdate } = await publish(authority, ahead, context);
    const crlSha256 = hash("sha256", crlDer);
    writeWhole(context.home.trust.crl(authority), crlDer, 0o644);
    published.push({ authority, ahead, crlNumber, nextUpdate: nextUpdate?.toISOString(), crlSha256 });
  }
  return { crls: published };
};

async function publish(authorityId: string, ahead: number, context: StepContext): Promise<GetCrlResponse> {
  const { crls } = await context.suite();
  const { organisation, operator } = context;
  const request = { requestId: context.requestId(`crl:${authorityId}`), organisation, authorityId, ahead };
  try {
    return await crls.publish(request, operator);
  } catch (error) {
    if (!(error instanceof PkiError) || error.code !== "APPROVAL_REQUIRED") throw error;
    const { approvalId = "", approvalIds = approvalId } = error.details;
    await context.approver(approvalIds.split(","));
    return await crls.publish(request, operator);
  }
}
