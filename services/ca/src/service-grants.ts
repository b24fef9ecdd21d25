import { randomUUIDv7 } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { formatIpAddress, parseIpAddress } from "@vcc-pki/x509";
import { type Actor, requireAdmin } from "./actor.ts";
import { type RequestedNames, requireCounts, requireOwnership, requireSyntax } from "./names.ts";
import type { Profiles } from "./profiles.ts";
import type { RequestKey, RequestTable } from "./store/requests.ts";
import type { ServiceGrant, ServiceGrantTable } from "./store/service-grants.ts";

export interface ServiceGrantContext {
  readonly store: Store;
  readonly serviceGrants: ServiceGrantTable;
  readonly requests: RequestTable;
  readonly profiles: Profiles;
  readonly trustDomain: string;
  readonly clock: Clock;
}

export interface GrantWish {
  readonly service: string;
  readonly profile: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly expiresAt: Date | undefined;
}

/** What the discovery service may obtain certificates for. It asks for many services that have no certificate yet, so it is told here, by an
 *  administrator and past it, which ones: a break-in there gives no certificate to anybody else. */
export class ServiceGrants {
  readonly #ca: ServiceGrantContext;

  constructor(context: ServiceGrantContext) {
    this.#ca = context;
  }

  /** Names that the organisation may not use, or the profile not carry, are refused now rather than when a certificate is asked for. Throws
   *  CALLER_NOT_ALLOWED, REQUEST_MALFORMED, PROFILE_UNKNOWN, PROFILE_NOT_ALLOWED, NAME_MALFORMED, NAME_NOT_ALLOWED, REQUEST_ID_REUSED. */
  async grant(actor: Actor, request: RequestKey, wish: GrantWish): Promise<ServiceGrant> {
    const { store, serviceGrants, requests, clock } = this.#ca;
    requireAdmin(actor);
    const dnsNames = wish.dnsNames.map((name) => name.toLowerCase());
    const ipAddresses = wish.ipAddresses.map((address) => formatIpAddress(parseIpAddress(address)));
    this.#requireNames(actor, { ...wish, dnsNames, ipAddresses });
    const now = clock.now();
    if (wish.expiresAt && wish.expiresAt <= now)
      throw new PkiError("REQUEST_MALFORMED", "the grant would have expired");
    const { organisation } = actor.organisation;
    const granted: ServiceGrant = {
      ...{ ...wish, dnsNames, ipAddresses, organisation, grantId: randomUUIDv7() },
      ...{ grantedBy: actor.requester.uri, grantedAt: now, withdrawnAt: undefined },
    };
    return store.write(() => {
      const earlier = requests.findTarget(request);
      if (earlier !== undefined) return this.#get(organisation, wish.service, earlier);
      requests.insert(request, granted.grantId, now);
      serviceGrants.insert(granted);
      const { service, profile, expiresAt } = granted;
      const details = { grantId: granted.grantId, profile, dnsNames, ipAddresses, expiresAt: expiresAt?.toISOString() };
      this.#audit(actor, request, "service.grant", service, details);
      return granted;
    });
  }

  /** One grant of a service, or all of them. What was issued under it stays valid: revoking is another step. Returns the grants it speaks of.
   *  Throws CALLER_NOT_ALLOWED, NOT_FOUND for a grant that is unknown, REQUEST_ID_REUSED. */
  async withdraw(actor: Actor, request: RequestKey, service: string, grantId: string): Promise<ServiceGrant[]> {
    const { store, serviceGrants, requests, clock } = this.#ca;
    requireAdmin(actor);
    const { organisation } = actor.organisation;
    if (grantId !== "") this.#get(organisation, service, grantId);
    await store.write(() => {
      if (requests.findTarget(request) !== undefined) return;
      requests.insert(request, service, clock.now());
      const count = serviceGrants.withdraw(organisation, service, grantId, clock.now());
      if (count > 0) this.#audit(actor, request, "service.withdraw", service, { count });
    });
    return this.list(organisation, service).filter((grant) => grantId === "" || grant.grantId === grantId);
  }

  /** In force or not, the newest first. `service` "": of all. */
  list(organisation: string, service: string): ServiceGrant[] {
    return this.#ca.serviceGrants.list(organisation, service, MAX_LISTED);
  }

  #get(organisation: string, service: string, grantId: string): ServiceGrant {
    const found = this.#ca.serviceGrants.list(organisation, service, -1).find((grant) => grant.grantId === grantId);
    if (found === undefined) throw new PkiError("NOT_FOUND", "no such grant");
    return found;
  }

  #requireNames({ organisation }: Actor, { service, profile: name, dnsNames, ipAddresses }: GrantWish): void {
    const profile = this.#ca.profiles.get(name);
    if (!profile.requesters.includes("granted"))
      throw new PkiError("PROFILE_NOT_ALLOWED", `${name} is not for services that enrol`);
    const { trustDomain } = this.#ca;
    const uri = [`spiffe://${trustDomain}/org/${organisation.organisation}/service/${service}`];
    const names: RequestedNames = { dns: dnsNames, ip: ipAddresses, uri, email: [], otherCount: 0 };
    requireCounts(names, profile.names);
    requireSyntax(names, profile.names);
    requireOwnership(names, profile.names, { ...organisation, trustDomain });
  }

  #audit(actor: Actor, request: RequestKey, action: string, target: string, details: Record<string, unknown>): void {
    this.#ca.store.audit.add({
      ...{ action, outcome: "done", caller: actor.caller.uri, requester: actor.requester.uri, target, details },
      ...{ organisation: actor.organisation.organisation, requestId: request.requestId },
    });
  }
}

const MAX_LISTED = 1_000;
