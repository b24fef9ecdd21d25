import type { OrganizationServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders } from "../api/fields.ts";
import {
  Membership,
  MembershipGrant,
  MembershipRevocation,
  Organisation,
  OrganisationCreation,
  OrganisationList,
  OrganisationParams,
} from "../api/organisations.ts";
import { type App, onBehalfOf, requestIdOf } from "../http.ts";
import { membershipToJson, organisationToJson, organisationToProto } from "../wire/organisation.ts";
import { refusals } from "./documented.ts";

const tags = ["organisations"];

/** Tenants and who may act for them. Who may see, create and grant is the ca's decision. */
export function organisationRoutes(app: App, organisations: Remote<OrganizationServiceDefinition>): void {
  app.get(
    "/api/v1/organisations",
    {
      schema: {
        tags,
        summary: "The organisations the requester may act for",
        response: { 200: OrganisationList, ...refusals },
      },
    },
    async (request) => {
      const answer = await organisations.list({}, onBehalfOf(request));
      return { organisations: answer.organisations.map(organisationToJson) };
    },
  );

  app.post(
    "/api/v1/organisations",
    {
      schema: {
        tags,
        summary: "Create an organisation (the operator's right)",
        headers: IdempotencyHeaders,
        body: OrganisationCreation,
        response: { 201: Organisation, ...refusals },
      },
    },
    async (request, reply) => {
      const creation = organisationToProto(request.body, requestIdOf(request));
      reply.code(201);
      return organisationToJson(await organisations.create(creation, onBehalfOf(request)));
    },
  );

  app.post(
    "/api/v1/organisations/:org_id/members",
    {
      schema: {
        tags,
        summary: "Let a person of another organisation administer this one",
        params: OrganisationParams,
        headers: IdempotencyHeaders,
        body: MembershipGrant,
        response: { 200: Membership, ...refusals },
      },
    },
    async (request) => {
      const { identity, expires_at } = request.body;
      const expiresAt = expires_at === undefined ? undefined : new Date(expires_at);
      const membership = { organisation: request.params.org_id, identity, expiresAt };
      const grant = { requestId: requestIdOf(request), membership };
      return membershipToJson(await organisations.grantMembership(grant, onBehalfOf(request)));
    },
  );

  app.post(
    "/api/v1/organisations/:org_id/members/revoke",
    {
      schema: {
        tags,
        summary: "End a membership",
        params: OrganisationParams,
        headers: IdempotencyHeaders,
        body: MembershipRevocation,
        response: { 200: Membership, ...refusals },
      },
    },
    async (request) => {
      const { identity } = request.body;
      const revocation = { requestId: requestIdOf(request), organisation: request.params.org_id, identity };
      return membershipToJson(await organisations.revokeMembership(revocation, onBehalfOf(request)));
    },
  );
}
