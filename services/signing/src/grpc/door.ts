import { PkiError } from "@vcc-pki/errors";
import type { CallContext, SpiffeId } from "@vcc-pki/rpc";
import type { Enrolment } from "../enrolment.ts";
import type { Messages } from "../messages.ts";
import type { SigningPolicy } from "../policy.ts";
import type { Recalls } from "../recall.ts";
import type { Signing } from "../sign.ts";
import type { LineageTable } from "../store/lineage.ts";
import type { RecallTable } from "../store/recalls.ts";
import type { SignatureTable } from "../store/signatures.ts";
import type { SignerKeyTable } from "../store/signer-keys.ts";
import type { UsageTable } from "../store/usages.ts";
import type { UsageLog } from "../usage.ts";
import type { Verification } from "../verify.ts";

export interface SigningDoor {
  readonly enrolment: Enrolment;
  readonly signing: Signing;
  readonly policy: SigningPolicy;
  readonly messages: Messages;
  readonly signerKeys: SignerKeyTable;
  readonly signatures: SignatureTable;
  readonly lineage: LineageTable;
  readonly recalls: Recalls;
  readonly verification: Verification;
  readonly usageLog: UsageLog;
  readonly usages: UsageTable;
  readonly recallTable: RecallTable;
  /** Profiles that a signer may be given. */
  readonly profiles: readonly string[];
}

/** People and workloads come through the gateway. */
export const DOOR = ["gateway"] as const;

export const DEFAULT_PAGE = 100;

/** The tenant comes from the identity. Services of the suite sign nothing here. */
export function organisationOf(requester: SpiffeId): string {
  if (requester.kind === "suite") throw new PkiError("CALLER_NOT_ALLOWED", "this requester has no organisation");
  return requester.organisation;
}

export function requireAdmin({ requester }: CallContext): string {
  if (requester.kind !== "admin")
    throw new PkiError("CALLER_NOT_ALLOWED", "signers are for administrators of the organisation");
  return requester.organisation;
}
