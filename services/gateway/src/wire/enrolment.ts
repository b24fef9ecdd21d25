import {
  type AgentEvent,
  AgentEventKind,
  type EnrolledIdentity as ProtoIdentity,
  type EnrolmentRequest as ProtoRequest,
  EnrolmentRequestState as ProtoRequestState,
  type EnrolmentToken as ProtoToken,
  TokenState as ProtoTokenState,
} from "@vcc-pki/proto/discovery";
import type {
  AGENT_EVENTS,
  AgentReport,
  ENROLMENT_REQUEST_STATES,
  EnrolledIdentity,
  EnrolmentRequest,
  EnrolmentToken,
  TOKEN_STATES,
} from "../api/enrolment.ts";
import { chainPem, known, present, requiredTimestamp, timestamp } from "./values.ts";

type TokenState = (typeof TOKEN_STATES)[number];
type RequestState = (typeof ENROLMENT_REQUEST_STATES)[number];

const TOKEN_STATE_TO_JSON = {
  [ProtoTokenState.UNUSED]: "unused",
  [ProtoTokenState.USED]: "used",
  [ProtoTokenState.EXPIRED]: "expired",
  [ProtoTokenState.REVOKED]: "revoked",
  [ProtoTokenState.UNSPECIFIED]: undefined,
  [ProtoTokenState.UNRECOGNIZED]: undefined,
} as const satisfies Record<ProtoTokenState, TokenState | undefined>;

const REQUEST_STATE_TO_PROTO = {
  pending: ProtoRequestState.PENDING,
  approved: ProtoRequestState.APPROVED,
  refused: ProtoRequestState.REFUSED,
  claimed: ProtoRequestState.CLAIMED,
  expired: ProtoRequestState.EXPIRED,
} as const satisfies Record<RequestState, ProtoRequestState>;

const REQUEST_STATE_TO_JSON = {
  [ProtoRequestState.PENDING]: "pending",
  [ProtoRequestState.APPROVED]: "approved",
  [ProtoRequestState.REFUSED]: "refused",
  [ProtoRequestState.CLAIMED]: "claimed",
  [ProtoRequestState.EXPIRED]: "expired",
  [ProtoRequestState.UNSPECIFIED]: undefined,
  [ProtoRequestState.UNRECOGNIZED]: undefined,
} as const satisfies Record<ProtoRequestState, RequestState | undefined>;

const KIND_TO_PROTO = {
  deployed: AgentEventKind.DEPLOYED,
  served: AgentEventKind.SERVED,
  failed: AgentEventKind.FAILED,
  bundle_acknowledged: AgentEventKind.BUNDLE_ACKNOWLEDGED,
} as const satisfies Record<(typeof AGENT_EVENTS)[number], AgentEventKind>;

export const requestStateToProto = (state: RequestState | undefined): ProtoRequestState =>
  state === undefined ? ProtoRequestState.UNSPECIFIED : REQUEST_STATE_TO_PROTO[state];

export const tokenToJson = (token: ProtoToken): EnrolmentToken => ({
  ...{ token_id: token.tokenId, organisation: token.organisation, service: token.service },
  ...{ dns_names: token.dnsNames, ip_addresses: token.ipAddresses, profile: token.profile },
  ...{ network: present(token.network), spki_sha256: present(hex(token.spkiSha256)) },
  ...{ status: known(TOKEN_STATE_TO_JSON[token.state], "state"), created_by: token.createdBy },
  created_at: requiredTimestamp(token.createdAt, "created_at"),
  expires_at: requiredTimestamp(token.expiresAt, "expires_at"),
  used_at: timestamp(token.usedAt),
});

export const enrolmentRequestToJson = (asked: ProtoRequest): EnrolmentRequest => ({
  ...{ request_id: asked.enrolmentRequestId, organisation: asked.organisation, service: asked.service },
  ...{ dns_names: asked.dnsNames, ip_addresses: asked.ipAddresses, spki_sha256: hex(asked.spkiSha256) },
  ...{ key_algorithm: asked.keyAlgorithm, peer_address: asked.peerAddress },
  status: known(REQUEST_STATE_TO_JSON[asked.state], "state"),
  ...{ profile: present(asked.profile), decided_by: present(asked.decidedBy) },
  requested_at: requiredTimestamp(asked.requestedAt, "requested_at"),
  expires_at: requiredTimestamp(asked.expiresAt, "expires_at"),
});

/** What a service has now, and the roots that it is to trust. */
export function identityToJson(identity: ProtoIdentity, rootsDer: readonly Uint8Array[]): EnrolledIdentity {
  const { notBefore, notAfter } = identity;
  if (notBefore === undefined || notAfter === undefined) throw new Error("the answer has no dates");
  const renewAt = new Date(notBefore.getTime() + ((notAfter.getTime() - notBefore.getTime()) * 2) / 3);
  return {
    ...{ organisation: identity.organisation, service: identity.service, spiffe_id: identity.spiffeId },
    ...{ certificate_id: identity.certificateId, serial_number: identity.serialHex, profile: identity.profile },
    ...{ chain_pem: chainPem(identity.chainDer), bundle_pem: chainPem(rootsDer) },
    ...{ not_before: notBefore.toISOString(), not_after: notAfter.toISOString(), renew_at: renewAt.toISOString() },
  };
}

export const agentEventToProto = (said: AgentReport["events"][number]): AgentEvent => ({
  ...{ kind: KIND_TO_PROTO[said.kind], service: said.service ?? "", serialHex: said.serial_number ?? "" },
  ...{ endpoint: said.endpoint ?? "", detail: said.detail ?? "", at: new Date(said.at) },
  anchorsSha256: (said.anchors_sha256 ?? []).map((each) => Buffer.from(each, "hex")),
});

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
