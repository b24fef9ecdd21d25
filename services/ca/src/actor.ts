import { PkiError } from "@vcc-pki/errors";
import type { CallContext, SpiffeId } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import type { RequesterRule } from "./profile-config.ts";
import type { Organisation, OrganisationTable } from "./store/organisations.ts";

/** Who asks, through whom, and for which tenant. Made from the verified identities of a call, never from its content alone. */
export interface Actor {
  /** The tenant acted for. */
  readonly organisation: Organisation;
  readonly requester: SpiffeId;
  readonly caller: SpiffeId;
  /** The rules of a profile's `requesters` that this one fulfils. */
  readonly standing: readonly RequesterRule[];
}

export interface Actors {
  /** The actor of a call for the named tenant; empty: the requester's own. Throws NOT_FOUND, the same for a tenant that does not
   *  exist and for one that the requester has no business with. */
  resolve(context: Pick<CallContext, "caller" | "requester">, organisation: string): Actor;
  /** The tenants the requester may act for: its own and those of its memberships. */
  organisationsOf(requester: SpiffeId): string[];
}

export const noSuchOrganisation = (): PkiError => new PkiError("NOT_FOUND", "no such organisation");

export function createActors(organisations: OrganisationTable, operatorOrganisation: string, clock: Clock): Actors {
  const homeOf = (id: SpiffeId): string => (id.kind === "suite" ? operatorOrganisation : id.organisation);

  function standingIn(organisation: string, requester: SpiffeId): readonly RequesterRule[] {
    if (homeOf(requester) === organisation) return HOME_STANDING[requester.kind](requester);
    if (isGrantee(requester)) return ["granted"];
    if (requester.kind !== "admin") return [];
    const membership = organisations.findMembership(organisation, requester.uri);
    if (membership === undefined) return [];
    if (membership.expiresAt !== undefined && membership.expiresAt <= clock.now()) return [];
    return requester.organisation === operatorOrganisation ? ["admin", "operator-admin"] : ["admin"];
  }

  return {
    resolve({ caller, requester }, name) {
      const organisation = organisations.find(name === "" ? homeOf(requester) : name);
      const standing = organisation === undefined ? [] : standingIn(organisation.organisation, requester);
      if (organisation === undefined || standing.length === 0) throw noSuchOrganisation();
      return { organisation, requester, caller, standing };
    },

    organisationsOf(requester) {
      const memberships = requester.kind === "admin" ? organisations.membershipsOf(requester.uri, clock.now()) : [];
      return [...new Set([homeOf(requester), ...memberships])];
    },
  };
}

/** What an identity may ask for in its own organisation. */
const HOME_STANDING: Record<SpiffeId["kind"], (id: SpiffeId) => readonly RequesterRule[]> = {
  admin: () => ["admin", "home-admin"],
  workload: () => ["workload"],
  suite: (id) =>
    id.kind === "suite" ? ["suite", `suite:${id.service}`, ...(isGrantee(id) ? (["granted"] as const) : [])] : [],
};

/** The one service that asks for others', in every organisation: within what its administrators have granted, see `service-grants.ts`. */
const isGrantee = (id: SpiffeId): boolean => id.kind === "suite" && id.service === "discovery";

/** An administrator: at home or by membership. Throws CALLER_NOT_ALLOWED. */
export function requireAdmin({ standing }: Actor): void {
  if (!standing.includes("admin")) throw new PkiError("CALLER_NOT_ALLOWED", "only an administrator may do this");
}
