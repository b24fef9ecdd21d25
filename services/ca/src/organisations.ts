import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import { parseSpiffeId } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { isValidDnsName, parseIpRange } from "@vcc-pki/x509";
import { type Actor, type Actors, noSuchOrganisation } from "./actor.ts";
import type { Authorities } from "./authorities.ts";
import { namesOverlap } from "./names.ts";
import type { AuthorityTable } from "./store/authorities.ts";
import type { Membership, Organisation, OrganisationTable } from "./store/organisations.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";

export interface OrganisationContext {
  readonly store: Store;
  readonly table: OrganisationTable;
  readonly authorityTable: AuthorityTable;
  readonly authorities: Authorities;
  readonly requests: RequestTable;
  readonly actors: Actors;
  readonly operatorOrganisation: string;
  readonly trustDomain: string;
  readonly clock: Clock;
}

const ORGANISATION = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
const MAX_NAMES = 200;

const malformed = (message: string) => new PkiError("REQUEST_MALFORMED", message);

/** Tenants, and who of other tenants may administer them. */
export class Organisations {
  readonly #ca: OrganisationContext;

  constructor(context: OrganisationContext) {
    this.#ca = context;
  }

  /** Makes a tenant: the operator's right. Throws CALLER_NOT_ALLOWED, REQUEST_MALFORMED, NAME_MALFORMED, ALREADY_EXISTS, NOT_FOUND
   *  for an authority that is not the operator's, NAME_NOT_ALLOWED when names belong to another tenant and one is strict. */
  async create(
    actor: Actor,
    request: RequestKey,
    organisation: Omit<Organisation, "createdAt">,
    authorityIds: readonly string[],
  ): Promise<Organisation> {
    this.#requireOperator(actor);
    const earlier = this.#ca.requests.findTarget(request);
    if (earlier !== undefined) return this.#get(earlier);
    requireWellFormed(organisation);
    for (const authorityId of authorityIds)
      this.#ca.authorities.getVisible(authorityId, actor.organisation.organisation);

    const { store, table, authorityTable, requests, clock } = this.#ca;
    const created: Organisation = { ...organisation, createdAt: clock.now() };
    const id = organisation.organisation;
    return store.write(() => {
      if (!requests.insert(request, id, created.createdAt)) return this.#get(id);
      if (table.find(id)) throw new PkiError("ALREADY_EXISTS", "an organisation of this name exists");
      this.#requireOwnNames(organisation);
      table.insert(created);
      for (const authorityId of authorityIds)
        authorityTable.grantUse(authorityId, id, actor.requester.uri, created.createdAt);
      const { allowedNames, isolationLevel } = created;
      this.#audit(actor, request, "organisation.create", id, { allowedNames, isolationLevel, authorityIds });
      store.outbox.add(event("pki.organisation.created.v1", id, { organisationId: id, isolation: isolationLevel }));
      return created;
    });
  }

  /** Tenants the requester has to do with; all of them for the operator. */
  list(actor: Actor): Organisation[] {
    if (this.isOperator(actor)) return this.#ca.table.all();
    return this.#ca.actors.organisationsOf(actor.requester).map((organisation) => this.#get(organisation));
  }

  /** Lets a person of another organisation administer this one, until `expiresAt` or revoked. Throws as `#requireGranter`. */
  async grantMembership(
    actor: Actor,
    request: RequestKey,
    membership: { readonly organisation: string; readonly identity: string; readonly expiresAt: Date | undefined },
  ): Promise<Membership> {
    this.#requireGranter(actor, membership.organisation);
    const { store, table, requests, clock } = this.#ca;
    const now = clock.now();
    const identity = parseSpiffeId(membership.identity, this.#ca.trustDomain);
    if (identity.kind !== "admin") throw malformed("members are people: an admin identity");
    if (identity.organisation === membership.organisation)
      throw malformed("an administrator needs no membership at home");
    if (membership.expiresAt && membership.expiresAt <= now) throw malformed("the membership would have expired");
    const granted: Membership = { ...membership, grantedBy: actor.requester.uri, grantedAt: now };
    return store.write(() => {
      if (!requests.insert(request, granted.identity, now)) {
        return table.findMembership(granted.organisation, granted.identity) ?? granted;
      }
      table.putMembership(granted);
      const details = { identity: granted.identity, expiresAt: granted.expiresAt?.toISOString() };
      this.#audit(actor, request, "membership.grant", granted.organisation, details);
      return granted;
    });
  }

  /** Throws NOT_FOUND when there is none. */
  async revokeMembership(
    actor: Actor,
    request: RequestKey,
    organisation: string,
    identity: string,
  ): Promise<Membership> {
    this.#requireGranter(actor, organisation);
    const { store, table, requests, clock } = this.#ca;
    return store.write(() => {
      const revoked = {
        organisation,
        identity,
        grantedBy: actor.requester.uri,
        grantedAt: clock.now(),
        expiresAt: clock.now(),
      };
      if (!requests.insert(request, identity, clock.now())) return revoked;
      const membership = table.findMembership(organisation, identity);
      if (!table.deleteMembership(organisation, identity)) throw new PkiError("NOT_FOUND", "no such membership");
      this.#audit(actor, request, "membership.revoke", organisation, { identity });
      return { ...revoked, ...membership, expiresAt: clock.now() };
    });
  }

  /** Until when a person may administer a tenant; undefined: without end. Throws NOT_FOUND when it may not, NAME_MALFORMED. */
  administrationEnds(organisation: string, identity: string): Date | undefined {
    const person = parseSpiffeId(identity, this.#ca.trustDomain);
    if (organisation === "" || person.kind !== "admin") throw noSuchOrganisation();
    this.#ca.actors.resolve({ caller: person, requester: person }, organisation);
    return this.#ca.table.findMembership(organisation, person.uri)?.expiresAt;
  }

  /** An administrator of the operator, by its own certificate. */
  isOperator({ organisation, standing }: Actor): boolean {
    return organisation.organisation === this.#ca.operatorOrganisation && standing.includes("home-admin");
  }

  #requireOperator(actor: Actor): void {
    if (!this.isOperator(actor))
      throw new PkiError("CALLER_NOT_ALLOWED", "only an administrator of the operator may do this");
  }

  /** Memberships are granted by the organisation's own administrators, and by the operator's, which is how the first one comes
   *  about; never by members, who could prolong their own. `actor` stands for the requester at home. */
  #requireGranter(actor: Actor, organisation: string): void {
    if (!this.#ca.table.find(organisation)) throw noSuchOrganisation();
    if (this.isOperator(actor)) return;
    if (actor.organisation.organisation !== organisation) throw noSuchOrganisation();
    if (!actor.standing.includes("home-admin"))
      throw new PkiError("CALLER_NOT_ALLOWED", "members may not grant memberships");
  }

  #requireOwnNames({ allowedNames, isolationLevel }: Omit<Organisation, "createdAt">): void {
    const isStrict = isolationLevel === "strict";
    const clash = this.#ca.table
      .all()
      .find(
        (other) => (isStrict || other.isolationLevel === "strict") && namesOverlap(allowedNames, other.allowedNames),
      );
    if (clash) throw new PkiError("NAME_NOT_ALLOWED", "a name belongs to another organisation");
  }

  #get(organisation: string): Organisation {
    const found = this.#ca.table.find(organisation);
    if (found === undefined) throw noSuchOrganisation();
    return found;
  }

  #audit(
    actor: Actor,
    request: RequestKey,
    action: string,
    organisation: string,
    details: Record<string, unknown>,
  ): void {
    this.#ca.store.audit.add({
      ...{ action, outcome: "done", organisation, target: organisation, requestId: request.requestId, details },
      ...{ caller: actor.caller.uri, requester: actor.requester.uri },
    });
  }
}

/** What every tenant has to look like, the operator included. */
export function requireWellFormed({
  organisation,
  name,
  allowedNames,
  allowedNetworks,
}: Omit<Organisation, "createdAt">): void {
  if (!ORGANISATION.test(organisation)) throw malformed("an organisation id is lower-case letters, digits, hyphens");
  if (name === "" || name.length > 64) throw malformed("an organisation has a name of at most 64 characters");
  if (allowedNames.length > MAX_NAMES || allowedNetworks.length > MAX_NAMES) throw malformed("too many allowed names");
  for (const allowed of allowedNames) {
    const isName = isValidDnsName(allowed, { wildcard: true }) && allowed === allowed.toLowerCase();
    if (!isName) throw new PkiError("NAME_MALFORMED", "an allowed name is a DNS name or *.suffix, in lower case");
  }
  for (const network of allowedNetworks) parseIpRange(network); // throws NAME_MALFORMED
}
