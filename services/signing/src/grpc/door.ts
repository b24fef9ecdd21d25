import { PkiError } from "@vcc-pki/errors";
import type { CallContext } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import { type Actor, actorOf } from "../actor.ts";
import type { Enrolment } from "../enrolment.ts";
import type { Messages } from "../messages.ts";
import type { MemberRight, SigningPolicy } from "../policy.ts";
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
  readonly administrators: Administrators;
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

/** Who asks for what is to be read, or verified. Throws as `actorOf` does, and CALLER_NOT_ALLOWED for a member whom policy does not let. */
export async function reader(door: SigningDoor, context: CallContext, named: string | undefined): Promise<Actor> {
  const actor = await actorOf(context, named, door.administrators);
  door.policy.requireMember(actor, "read");
  return actor;
}

/** The organisation whose signers or recalls an administrator looks after. Throws as `reader` does, and CALLER_NOT_ALLOWED for workloads. */
export async function administered(
  door: SigningDoor,
  context: CallContext,
  named: string | undefined,
  right: MemberRight,
): Promise<string> {
  if (context.requester.kind !== "admin")
    throw new PkiError("CALLER_NOT_ALLOWED", `${right} are for administrators of the organisation`);
  const actor = await actorOf(context, named, door.administrators);
  door.policy.requireMember(actor, right);
  return actor.organisation;
}
