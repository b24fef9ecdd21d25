import { PkiError } from "@vcc-pki/errors";
import type { CallContext, SpiffeId } from "@vcc-pki/rpc";
import { type Administrators, noSuchOrganisation } from "@vcc-pki/service";

/** What somebody is to an organisation: one of its workloads, one of its administrators, or another's, whom it has made a member. */
export const STANDINGS = ["workload", "admin", "member"] as const;
export type Standing = (typeof STANDINGS)[number];

/** Who asks, and for which organisation. Made from the verified identities of a call, never from its content alone. */
export interface Actor {
  readonly organisation: string;
  readonly standing: Standing;
  readonly requester: SpiffeId;
}

/** For the organisation that is named, or the requester's own. Throws CALLER_NOT_ALLOWED for services of the suite, who sign nothing here; NOT_FOUND for
 *  an organisation that is unknown or none of the requester's business; PEER_UNAVAILABLE when the ca has to be asked and is away. */
export async function actorOf(
  { requester }: Pick<CallContext, "requester">,
  named: string | undefined,
  administrators: Administrators,
): Promise<Actor> {
  if (requester.kind === "suite") throw new PkiError("CALLER_NOT_ALLOWED", "this requester has no organisation");
  const { organisation: own } = requester;
  if (requester.kind === "workload") {
    if (named !== undefined && named !== "" && named !== own) throw noSuchOrganisation();
    return { organisation: own, standing: "workload", requester };
  }
  const organisation = await administrators.resolveOrganisation({ requester }, named ?? "");
  return { organisation, standing: organisation === own ? "admin" : "member", requester };
}
