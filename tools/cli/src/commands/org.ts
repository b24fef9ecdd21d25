import { randomUUIDv7 } from "node:crypto";
import {
  Membership,
  type MembershipGrant,
  Organisation,
  type OrganisationCreation,
  OrganisationList,
} from "@vcc-pki/gateway/api";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { date } from "../when.ts";

export async function listOrganisations(session: Session): Promise<void> {
  const { organisations } = await session.client.call({ path: "/api/v1/organisations", answer: OrganisationList });
  session.result({ organisations }, () =>
    table(["organisation", "name", "isolation", "allowed names"], organisations.map(rowOf), "no organisations"),
  );
}

const rowOf = (organisation: Organisation): string[] => [
  organisation.org_id,
  organisation.org_name,
  organisation.isolation_level,
  organisation.allowed_names.join(" "),
];

export interface CreateOptions {
  readonly name: string;
  readonly isolation?: OrganisationCreation["isolation_level"];
  readonly allow?: string[];
  readonly allowNetwork?: string[];
  readonly contact?: string;
  readonly authority?: string[];
  readonly requestId?: string;
}

export async function createOrganisation(id: string, options: CreateOptions, session: Session): Promise<void> {
  const body: OrganisationCreation = {
    org_id: id,
    org_name: options.name,
    isolation_level: options.isolation,
    allowed_names: options.allow,
    allowed_networks: options.allowNetwork,
    admin_contact: options.contact,
    ca_ids: options.authority,
  };
  const requestId = options.requestId ?? randomUUIDv7();
  const path = "/api/v1/organisations";
  const created = await session.client.call({ method: "POST", path, body, requestId, answer: Organisation });
  session.result(created, () => table(["organisation", "name", "isolation", "allowed names"], [rowOf(created)], ""));
}

export async function grantMembership(
  id: string,
  identity: string,
  options: { until?: Date; requestId?: string },
  session: Session,
): Promise<void> {
  const body: MembershipGrant = { identity, expires_at: options.until?.toISOString() };
  const path = `/api/v1/organisations/${encodeURIComponent(id)}/members`;
  const requestId = options.requestId ?? randomUUIDv7();
  const granted = await session.client.call({ method: "POST", path, body, requestId, answer: Membership });
  const until = granted.expires_at === undefined ? "" : ` until ${date(granted.expires_at)}`;
  session.result(granted, () => `${granted.identity} may administer ${granted.org_id}${until}`);
}

export async function revokeMembership(
  id: string,
  identity: string,
  options: { requestId?: string },
  session: Session,
): Promise<void> {
  const path = `/api/v1/organisations/${encodeURIComponent(id)}/members/revoke`;
  const requestId = options.requestId ?? randomUUIDv7();
  const revoked = await session.client.call({
    method: "POST",
    path,
    body: { identity },
    requestId,
    answer: Membership,
  });
  session.result(revoked, () => `${revoked.identity} may no longer administer ${revoked.org_id}`);
}
