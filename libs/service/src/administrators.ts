import { PkiError } from "@vcc-pki/errors";
import type { OrganizationServiceDefinition } from "@vcc-pki/proto/ca";
import type { CallContext, Remote, SpiffeId } from "@vcc-pki/rpc";

type Requester = Pick<CallContext, "requester">;

export const noSuchOrganisation = (): PkiError => new PkiError("NOT_FOUND", "no such organisation");

/** Who may administer what. Memberships are the ca's to know: it is asked each time, so that one that is revoked ends at once. */
export class Administrators {
  readonly #organisations: Pick<Remote<OrganizationServiceDefinition>, "getMembership">;

  constructor(organisations: Pick<Remote<OrganizationServiceDefinition>, "getMembership">) {
    this.#organisations = organisations;
  }

  /** The organisation that a requester acts for: the one it names, or its own. Throws CALLER_NOT_ALLOWED for who is no administrator, NOT_FOUND
   *  for an organisation that is unknown or none of its business, PEER_UNAVAILABLE when the ca is away and has to be asked. */
  async resolveOrganisation({ requester }: Requester, named: string): Promise<string> {
    if (requester.kind !== "admin") throw new PkiError("CALLER_NOT_ALLOWED", "only an administrator may do this");
    if (named === "" || named === requester.organisation) return requester.organisation;
    try {
      await this.#organisations.getMembership({ organisation: named, identity: requester.uri });
    } catch (error) {
      if (error instanceof PkiError && error.code === "NOT_FOUND") throw noSuchOrganisation();
      throw error;
    }
    return named;
  }
}

/** A workload, as its certificate says. Throws CALLER_NOT_ALLOWED. */
export function requireWorkload({ requester }: Requester): Extract<SpiffeId, { kind: "workload" }> {
  if (requester.kind !== "workload")
    throw new PkiError("CALLER_NOT_ALLOWED", "only a service may do this, by its own certificate");
  return requester;
}
