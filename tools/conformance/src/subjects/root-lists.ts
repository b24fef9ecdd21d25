import { randomUUID } from "node:crypto";
import type { OcspHarness } from "@vcc-pki/ocsp/harness";

/** Has the root sign lists, the first for now and more to come, as its custodians approve. */
export async function signRootLists(ca: OcspHarness["ca"], ahead: number): Promise<void> {
  const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead };
  const { crls } = ca.as();
  const wait = await crls.publish(request).catch((error) => error);
  for (const approvalId of wait.details.approvalIds.split(",")) await ca.approve(approvalId);
  await crls.publish(request);
}
