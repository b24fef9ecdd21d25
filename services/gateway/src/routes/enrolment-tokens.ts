import type { ServiceGrantServiceDefinition } from "@vcc-pki/proto/ca";
import type { EnrolmentServiceDefinition, RegistryServiceDefinition } from "@vcc-pki/proto/discovery";
import type { CallOptions, Remote } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import {
  CreatedToken,
  EnrolmentToken,
  EnrolmentTokenList,
  EnrolmentTokenListQuery,
  EnrolmentTokenParams,
  TokenCreation,
} from "../api/enrolment.ts";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { DEFAULT_PROFILE, findService, grantService } from "../service-grants.ts";
import { tokenToJson } from "../wire/enrolment.ts";
import { refusals } from "./documented.ts";

export interface TokenPeers {
  readonly enrolment: Remote<EnrolmentServiceDefinition>;
  readonly registry: Remote<RegistryServiceDefinition>;
  readonly grants: Remote<ServiceGrantServiceDefinition>;
  readonly clock: Clock;
}

const tags = ["enrolment"];
const DEFAULT_LIFE_SECONDS = 900;
/** Beyond the token's end, for a certificate that was asked for in its last moment. */
const GRACE_MS = 3_600_000;

/** Tokens with which services enrol. */
export function enrolmentTokenRoutes(app: App, peers: TokenPeers): void {
  const { enrolment, clock } = peers;
  app.post(
    "/api/v1/enrolment/tokens",
    {
      schema: {
        tags,
        summary:
          "A token with which a service enrols once; told in this answer and never again. It approves the service",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: TokenCreation,
        response: { 201: CreatedToken, ...refusals },
      },
    },
    async (request, reply) => {
      const { service, network = "", spki_sha256 = "", valid_for_seconds: seconds } = request.body;
      const [requestId, as] = [requestIdOf(request), onBehalfOf(request)];
      const key = { organisation: organisationOf(request), service };
      const granted = { ...key, ...(await namesFor(peers, key, request.body, as)) };
      const lifeMs = (seconds ?? DEFAULT_LIFE_SECONDS) * 1_000;
      await grantService(peers, granted, requestId, as, new Date(clock.now().getTime() + lifeMs + GRACE_MS));
      const { token, description } = await enrolment.createToken(
        {
          ...{ ...granted, requestId, network, spkiSha256: Buffer.from(spki_sha256, "hex") },
          validitySeconds: lifeMs / 1_000,
        },
        as,
      );
      if (description === undefined) throw new Error("the answer has no description");
      return reply.code(201).send({ ...tokenToJson(description), token });
    },
  );

  app.get(
    "/api/v1/enrolment/tokens",
    {
      schema: {
        tags,
        summary: "Tokens of the organisation, without what proves them",
        querystring: EnrolmentTokenListQuery,
        response: { 200: EnrolmentTokenList, ...refusals },
      },
    },
    async (request) => {
      const wanted = { organisation: organisationOf(request), service: request.query.service ?? "" };
      const { tokens } = await enrolment.listTokens(wanted, onBehalfOf(request));
      return { tokens: tokens.map(tokenToJson) };
    },
  );

  app.delete(
    "/api/v1/enrolment/tokens/:token_id",
    {
      schema: {
        tags,
        summary: "A token that nobody can use any more",
        params: EnrolmentTokenParams,
        querystring: Scope,
        response: { 200: EnrolmentToken, ...refusals },
      },
    },
    async (request) => {
      const revocation = {
        ...{ requestId: requestIdOf(request), organisation: organisationOf(request) },
        tokenId: request.params.token_id,
      };
      return tokenToJson(await enrolment.revokeToken(revocation, onBehalfOf(request)));
    },
  );
}

/** What the token says, or the registered service where it says nothing. */
async function namesFor(
  peers: TokenPeers,
  key: { readonly organisation: string; readonly service: string },
  said: TokenCreation,
  as: CallOptions,
) {
  const known = await findService(peers, key, as);
  const hasNames = said.dns_names !== undefined || said.ip_addresses !== undefined;
  return {
    dnsNames: (hasNames ? said.dns_names : known?.dnsNames) ?? [],
    ipAddresses: (hasNames ? said.ip_addresses : known?.ipAddresses) ?? [],
    profile: said.profile ?? known?.profile ?? DEFAULT_PROFILE,
  };
}
