import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import {
  CreateTokenRequest,
  DecideEnrolmentRequest,
  type EnrolledIdentity as EnrolledIdentityMessage,
  type EnrolmentRequest as EnrolmentRequestMessage,
  EnrolmentRequestState,
  EnrolmentServiceDefinition,
  type EnrolmentToken as EnrolmentTokenMessage,
  EnrolRequest,
  TokenState as TokenStateMessage,
} from "@vcc-pki/proto/discovery";
import {
  type CallContext,
  type Callers,
  implement,
  type RequestKey,
  requestKey,
  type ServiceImplementation,
} from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { Clock } from "@vcc-pki/time";
import { parseCertificate, parseCertificationRequest } from "@vcc-pki/x509";
import type { EnrolledIdentity } from "../enrol.ts";
import type { EnrolmentRequests, RequestState } from "../enrolment-requests.ts";
import type { Kubernetes } from "../kubernetes.ts";
import { checkNetwork } from "../peer-network.ts";
import type { Registry } from "../registry.ts";
import { parseServiceFields, parseServiceName } from "../service-fields.ts";
import type { ServiceFields, ServiceKey } from "../service-record.ts";
import type { EnrolmentRequest } from "../store/enrolment-requests.ts";
import type { Token } from "../store/tokens.ts";
import { type TokenState, type Tokens, tokenState } from "../tokens.ts";

export interface EnrolmentDoor {
  readonly tokens: Tokens;
  readonly enrolmentRequests: EnrolmentRequests;
  readonly kubernetes: Kubernetes;
  readonly registry: Registry;
  readonly administrators: Administrators;
  readonly profiles: readonly string[];
  readonly lives: { readonly tokenLife: number; readonly maxTokenLife: number };
  readonly trustDomain: string;
  readonly clock: Clock;
}

/** Whoever enrols has no certificate: the gateway says nothing of who it is, and nothing is believed but the attestation. */
const DOOR = ["gateway"] as const;

const CALLERS: Callers<typeof EnrolmentServiceDefinition> = {
  createToken: DOOR,
  listTokens: DOOR,
  revokeToken: DOOR,
  enrol: DOOR,
  requestEnrolment: DOOR,
  claimEnrolment: DOOR,
  listEnrolmentRequests: DOOR,
  getEnrolmentRequest: DOOR,
  decideEnrolment: DOOR,
};

const SHA256_OCTETS = 32;
const ORGANISATION = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;

export function enrolmentService(door: EnrolmentDoor): ServiceImplementation {
  const { tokens, enrolmentRequests, kubernetes, administrators, clock, trustDomain } = door;
  const actingFor = (context: CallContext, organisation: string) =>
    administrators.resolveOrganisation(context, organisation);
  return implement(
    EnrolmentServiceDefinition,
    {
      async createToken(request, context) {
        const organisation = await actingFor(context, request.organisation);
        const key = { organisation, service: parseServiceName(request.service) };
        const { token, made } = await tokens.create(
          {
            ...{
              ...key,
              fields: fieldsFor(door, key, request),
              network: request.network && checkNetwork(request.network),
            },
            ...{ spkiSha256: parseSpkiSha256(request.spkiSha256), validityMs: lifeOf(door, request.validitySeconds) },
          },
          requestKey(context, "createToken", CreateTokenRequest, request),
          context,
        );
        return { token, description: tokenToProto(made, clock.now()) };
      },
      async listTokens({ organisation, service }, context) {
        const found = tokens.list(await actingFor(context, organisation), service);
        return { tokens: found.map((token) => tokenToProto(token, clock.now())) };
      },
      async revokeToken({ organisation, tokenId }, context) {
        return tokenToProto(await tokens.revoke(await actingFor(context, organisation), tokenId, context), clock.now());
      },

      async enrol(request, context) {
        const { attestation, csrDer, peerAddress } = request;
        const { requestId, contentSha256 } = attestedKey(request, context);
        const asked = { requestId, contentSha256 };
        if (attestation?.$case === "token") {
          const { token } = attestation.value;
          return identityToProto(await tokens.enrol(token, { csrDer, peerAddress }, asked, context), trustDomain);
        }
        if (attestation?.$case === "kubernetes") {
          const { token } = attestation.value;
          return identityToProto(await kubernetes.enrol(token, csrDer, asked, context), trustDomain);
        }
        throw new PkiError("REQUEST_MALFORMED", "what vouches for the service?");
      },

      async requestEnrolment({ organisation, service, csrDer, peerAddress }) {
        if (!ORGANISATION.test(organisation)) throw new PkiError("REQUEST_MALFORMED", "which organisation?");
        const key = { organisation, service: parseServiceName(service) };
        const { asked, secret } = await enrolmentRequests.ask(key, csrDer, peerAddress.slice(0, 64));
        return { enrolmentRequestId: asked.enrolmentRequestId, secret, expiresAt: asked.expiresAt };
      },
      async claimEnrolment({ enrolmentRequestId, secret }, context) {
        const { state, identity } = await enrolmentRequests.claim(enrolmentRequestId, secret, context);
        return { state: REQUEST_STATES[state], identity: identity && identityToProto(identity, trustDomain) };
      },
      async listEnrolmentRequests({ organisation, state }, context) {
        const found = enrolmentRequests.list(await actingFor(context, organisation));
        const requests = found.map((asked) => requestToProto(door, asked));
        return {
          requests: requests.filter((each) => state === EnrolmentRequestState.UNSPECIFIED || each.state === state),
        };
      },
      async getEnrolmentRequest({ organisation, enrolmentRequestId }, context) {
        const acting = await actingFor(context, organisation);
        return requestToProto(door, enrolmentRequests.get(acting, enrolmentRequestId));
      },
      async decideEnrolment(request, context) {
        const organisation = await actingFor(context, request.organisation);
        const asked = enrolmentRequests.get(organisation, request.enrolmentRequestId);
        const fields = fieldsFor(door, asked, { ...namesOf(asked), profile: request.profile });
        const key = requestKey(context, "decideEnrolment", DecideEnrolmentRequest, request);
        return requestToProto(door, await enrolmentRequests.decide(asked, request.approved, fields, key, context));
      },
    },
    CALLERS,
  );
}

/** What a repeat must agree with is the attestation and the CSR; where it comes from may change. */
function attestedKey(request: EnrolRequest, context: CallContext): RequestKey {
  return requestKey(context, "enrol", EnrolRequest, { ...request, peerAddress: "" });
}

/** What a token or an approval says of a service, with what is registered where it says nothing. */
function fieldsFor(
  { registry, profiles }: EnrolmentDoor,
  key: ServiceKey,
  said: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[]; readonly profile: string },
): ServiceFields {
  const known = registry.find(key);
  const hasNames = said.dnsNames.length + said.ipAddresses.length > 0;
  return parseServiceFields(
    key.service,
    {
      ...{ type: "", description: "", owner: "", endpoints: [], healthUrl: "", healthDialect: "", dependsOn: [] },
      ...{ managedBy: "", ...known },
      ...(hasNames || known === undefined
        ? { dnsNames: said.dnsNames, ipAddresses: said.ipAddresses }
        : { dnsNames: known.dnsNames, ipAddresses: known.ipAddresses }),
      profile: said.profile || known?.profile || "",
    },
    profiles,
  );
}

function lifeOf({ lives }: EnrolmentDoor, seconds: number): number {
  if (seconds === 0) return lives.tokenLife;
  if (seconds * 1_000 > lives.maxTokenLife) throw new PkiError("VALIDITY_NOT_ALLOWED", "a token does not live so long");
  return seconds * 1_000;
}

function parseSpkiSha256(sha256: Uint8Array): Uint8Array | undefined {
  if (sha256.length === 0) return undefined;
  if (sha256.length !== SHA256_OCTETS) throw new PkiError("REQUEST_MALFORMED", "a key is named by its SHA-256");
  return sha256;
}

function namesOf({ csrDer }: EnrolmentRequest) {
  const { subjectAltNames, spkiDer, keyAlgorithm } = parseCertificationRequest(csrDer);
  return {
    ...{ dnsNames: [...subjectAltNames.dns], ipAddresses: [...subjectAltNames.ip], keyAlgorithm },
    spkiSha256: hash("sha256", spkiDer, "buffer"),
  };
}

const TOKEN_STATES = {
  unused: TokenStateMessage.UNUSED,
  used: TokenStateMessage.USED,
  expired: TokenStateMessage.EXPIRED,
  revoked: TokenStateMessage.REVOKED,
} as const satisfies Record<TokenState, TokenStateMessage>;

const REQUEST_STATES = {
  pending: EnrolmentRequestState.PENDING,
  approved: EnrolmentRequestState.APPROVED,
  refused: EnrolmentRequestState.REFUSED,
  claimed: EnrolmentRequestState.CLAIMED,
  expired: EnrolmentRequestState.EXPIRED,
} as const satisfies Record<RequestState, EnrolmentRequestState>;

const tokenToProto = (token: Token, now: Date): EnrolmentTokenMessage => ({
  ...{ tokenId: token.tokenId, organisation: token.organisation, service: token.service, profile: token.profile },
  ...{ dnsNames: [...token.dnsNames], ipAddresses: [...token.ipAddresses], network: token.network },
  ...{ spkiSha256: token.spkiSha256 ?? new Uint8Array(), state: TOKEN_STATES[tokenState(token, now)] },
  ...{ createdBy: token.createdBy, createdAt: token.createdAt, expiresAt: token.expiresAt, usedAt: token.usedAt },
});

const requestToProto = ({ enrolmentRequests }: EnrolmentDoor, asked: EnrolmentRequest): EnrolmentRequestMessage => ({
  ...{ enrolmentRequestId: asked.enrolmentRequestId, organisation: asked.organisation, service: asked.service },
  ...{ ...namesOf(asked), peerAddress: asked.peerAddress, state: REQUEST_STATES[enrolmentRequests.stateOf(asked)] },
  ...{ decidedBy: asked.decision?.by ?? "", requestedAt: asked.requestedAt, expiresAt: asked.expiresAt },
  profile: asked.profile,
});

export function identityToProto(identity: EnrolledIdentity, trustDomain: string): EnrolledIdentityMessage {
  const { organisation, service, certificateId, profile, chainDer } = identity;
  const [leafDer = new Uint8Array()] = chainDer;
  const { serialHex, notBefore, notAfter } = parseCertificate(leafDer);
  const spiffeId = `spiffe://${trustDomain}/org/${organisation}/service/${service}`;
  return {
    organisation,
    service,
    spiffeId,
    certificateId,
    serialHex,
    profile,
    chainDer: [...chainDer],
    notBefore,
    notAfter,
  };
}
