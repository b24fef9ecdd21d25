import { PkiError } from "@vcc-pki/errors";
import type { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import { AuthorityState } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import {
  Authority,
  AuthorityCreation,
  AuthorityList,
  AuthorityParams,
  AuthorityRevocation,
} from "../api/authorities.ts";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { authorityToJson, creationToProto } from "../wire/authority.ts";
import { reasonToProto } from "../wire/certificate.ts";
import { chainPem } from "../wire/values.ts";
import { accepts, PEM_CHAIN, PKIX_CERT, pending, raw, refusals } from "./documented.ts";

const tags = ["authorities"];

/** Certificate authorities below the roots: made, read and revoked here. */
export function authorityRoutes(app: App, authorities: Remote<AuthorityServiceDefinition>): void {
  app.post(
    "/api/v1/ca/create-issuing-ca",
    {
      schema: {
        tags,
        summary: "Create an issuing authority; its key is made in the token",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: AuthorityCreation,
        response: { 201: Authority, ...pending, ...refusals },
      },
    },
    async (request, reply) => {
      const creation = creationToProto(request.body, organisationOf(request), requestIdOf(request));
      const authority = await authorities.create(creation, onBehalfOf(request));
      if (authority.state === AuthorityState.PENDING) {
        const details = { approvalId: authority.approvalId };
        throw new PkiError("APPROVAL_REQUIRED", "custodians of the parent have to approve its certificate", {
          details,
        });
      }
      reply.header("location", `/api/v1/ca/${authority.authorityId}`).code(201);
      return authorityToJson(authority);
    },
  );

  app.get(
    "/api/v1/ca/list",
    {
      schema: {
        tags,
        summary: "The authorities the organisation may see",
        querystring: Scope,
        response: { 200: AuthorityList, ...refusals },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      const answer = await authorities.list({ organisation }, onBehalfOf(request));
      return { authorities: answer.authorities.map(authorityToJson) };
    },
  );

  app.post(
    "/api/v1/ca/revoke/:ca_id",
    {
      schema: {
        tags,
        summary: "Revoke an authority; the parent's CRL says so",
        params: AuthorityParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: AuthorityRevocation,
        response: { 200: Authority, ...pending, ...refusals },
      },
    },
    async (request) => {
      const revocation = {
        requestId: requestIdOf(request),
        organisation: organisationOf(request),
        authorityId: request.params.ca_id,
        reason: reasonToProto(request.body.reason),
      };
      return authorityToJson(await authorities.revoke(revocation, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/ca/:ca_id",
    {
      schema: {
        tags,
        summary: "One authority",
        params: AuthorityParams,
        querystring: Scope,
        response: { 200: Authority, ...refusals },
      },
    },
    async (request) => {
      const target = { organisation: organisationOf(request), authorityId: request.params.ca_id };
      return authorityToJson(await authorities.get(target, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/ca/:ca_id/certificate",
    {
      schema: {
        tags,
        summary: "The authority's certificate: PEM, or DER for Accept: application/pkix-cert",
        params: AuthorityParams,
        querystring: Scope,
        response: {
          200: { description: "The certificate", content: { [PEM_CHAIN]: raw("pem"), [PKIX_CERT]: raw("binary") } },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const target = { organisation: organisationOf(request), authorityId: request.params.ca_id };
      const { certificateDer } = await authorities.get(target, onBehalfOf(request));
      if (certificateDer.length === 0)
        throw new PkiError("AUTHORITY_NOT_ACTIVE", "the authority has no certificate yet");
      reply.header("vary", "accept");
      if (accepts(request, PKIX_CERT)) return reply.type(PKIX_CERT).send(Buffer.from(certificateDer));
      return reply.type(PEM_CHAIN).send(chainPem([certificateDer]));
    },
  );

  app.get(
    "/api/v1/ca/:ca_id/chain",
    {
      schema: {
        tags,
        summary: "The authority's certificate and those above it, root last (PEM)",
        params: AuthorityParams,
        querystring: Scope,
        response: { 200: { description: "The chain", content: { [PEM_CHAIN]: raw("pem") } }, ...refusals },
      },
    },
    async (request, reply) => {
      const target = { organisation: organisationOf(request), authorityId: request.params.ca_id };
      const { certificatesDer } = await authorities.getChain(target, onBehalfOf(request));
      return reply.type(PEM_CHAIN).send(chainPem(certificatesDer));
    },
  );
}
