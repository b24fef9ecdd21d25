import { randomUUID } from "node:crypto";
import { type Authority, type GetCrlResponse, RevocationReason } from "@vcc-pki/proto/ca";
import { issueService } from "./issue.ts";
import { TENANT } from "./profiles.ts";
import type { IssuingSuite } from "./suite.ts";

const HOUR_MS = 3_600_000;

/** Reasons that an end entity may be revoked for. A CA's is on the list of its parent. */
const REASONS = [
  RevocationReason.UNSPECIFIED,
  RevocationReason.KEY_COMPROMISE,
  RevocationReason.AFFILIATION_CHANGED,
  RevocationReason.SUPERSEDED,
  RevocationReason.CESSATION_OF_OPERATION,
  RevocationReason.PRIVILEGE_WITHDRAWN,
] as const;

/** Revokes one certificate for each reason, those whose key was compromised with the date since when. */
export async function revokeForEveryReason(suite: IssuingSuite, authorityId: string): Promise<void> {
  for (const reason of REASONS) {
    const { certificateId } = await issueService(suite, reason, authorityId);
    await revoke(suite, certificateId, reason);
  }
}

export async function revoke(suite: IssuingSuite, certificateId: string, reason: RevocationReason): Promise<void> {
  const invalidityDate =
    reason === RevocationReason.KEY_COMPROMISE ? new Date(suite.clock.now().getTime() - HOUR_MS) : undefined;
  await suite.certificates.revoke(
    { requestId: randomUUID(), organisation: TENANT, certificateId, reason, invalidityDate },
    suite.operator,
  );
}

/** A list signed now. */
export const publishCrl = (
  suite: IssuingSuite,
  { organisation, authorityId }: Pick<Authority, "organisation" | "authorityId">,
): Promise<GetCrlResponse> =>
  suite.crls.publish({ requestId: randomUUID(), organisation, authorityId, ahead: 0 }, suite.operator);

/** The newest list. */
export const getCrl = (suite: IssuingSuite, { authorityId }: Pick<Authority, "authorityId">): Promise<GetCrlResponse> =>
  suite.crls.get({ authorityId, shard: 0, delta: false });
