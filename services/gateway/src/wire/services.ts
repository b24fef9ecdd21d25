import {
  type Dependency,
  type Service as ProtoService,
  ServiceState as ProtoState,
  type ServiceChange,
} from "@vcc-pki/proto/discovery";
import type { DependencyList, SERVICE_STATES, Service, ServiceHistory, ServiceRegistration } from "../api/services.ts";
import { known, present, requiredTimestamp, timestamp } from "./values.ts";

type ServiceState = (typeof SERVICE_STATES)[number];

const STATE_TO_PROTO = {
  discovered: ProtoState.DISCOVERED,
  pending_approval: ProtoState.PENDING_APPROVAL,
  pending_cert: ProtoState.PENDING_CERT,
  active: ProtoState.ACTIVE,
  unreachable: ProtoState.UNREACHABLE,
  inactive: ProtoState.INACTIVE,
} as const satisfies Record<ServiceState, ProtoState>;

const STATE_TO_JSON = {
  [ProtoState.DISCOVERED]: "discovered",
  [ProtoState.PENDING_APPROVAL]: "pending_approval",
  [ProtoState.PENDING_CERT]: "pending_cert",
  [ProtoState.ACTIVE]: "active",
  [ProtoState.UNREACHABLE]: "unreachable",
  [ProtoState.INACTIVE]: "inactive",
  [ProtoState.UNSPECIFIED]: undefined,
  [ProtoState.UNRECOGNIZED]: undefined,
} as const satisfies Record<ProtoState, ServiceState | undefined>;

export const serviceStateToProto = (state: ServiceState | undefined): ProtoState =>
  state === undefined ? ProtoState.UNSPECIFIED : STATE_TO_PROTO[state];

const stateToJson = (state: ProtoState): ServiceState => known(STATE_TO_JSON[state], "state");

/** What an administrator says of a service; the rest is the registry's to say. */
export const registrationToProto = (organisation: string, said: ServiceRegistration): ProtoService => ({
  ...{ organisation, service: said.service, type: said.type ?? "", description: said.description ?? "" },
  ...{ owner: said.owner ?? "", endpoints: said.endpoints ?? [], healthUrl: said.health_url ?? "" },
  ...{ healthDialect: said.health_dialect ?? "", dnsNames: said.dns_names ?? [] },
  ...{ ipAddresses: said.ip_addresses ?? [], profile: said.profile ?? "", dependsOn: said.depends_on ?? [] },
  ...{ managedBy: said.managed_by ?? "", state: ProtoState.UNSPECIFIED, stateReason: "", source: "" },
  ...{ certificate: undefined, approvedBy: "", approvedAt: undefined, registeredAt: undefined },
  ...{ changedAt: undefined, seenAt: undefined, version: 0 },
});

export const serviceToJson = (service: ProtoService): Service => ({
  ...{ organisation: service.organisation, service: service.service, type: service.type },
  ...{ description: service.description, owner: service.owner, endpoints: service.endpoints },
  ...{ health_url: present(service.healthUrl), health_dialect: service.healthDialect },
  ...{ dns_names: service.dnsNames, ip_addresses: service.ipAddresses, profile: service.profile },
  ...{ depends_on: service.dependsOn, managed_by: present(service.managedBy) },
  ...{ status: stateToJson(service.state), status_reason: service.stateReason, source: service.source },
  certificate: service.certificate && {
    ...{ cert_id: service.certificate.certificateId, serial_number: service.certificate.serialHex },
    profile: service.certificate.profile,
    not_before: requiredTimestamp(service.certificate.notBefore, "not_before"),
    not_after: requiredTimestamp(service.certificate.notAfter, "not_after"),
    ...{ served_at: timestamp(service.certificate.servedAt), revoked_at: timestamp(service.certificate.revokedAt) },
  },
  ...{ approved_by: present(service.approvedBy), approved_at: timestamp(service.approvedAt) },
  registered_at: requiredTimestamp(service.registeredAt, "registered_at"),
  changed_at: requiredTimestamp(service.changedAt, "changed_at"),
  ...{ seen_at: timestamp(service.seenAt), version: service.version },
});

export const dependencyToJson = (dependency: Dependency): DependencyList["dependencies"][number] => ({
  ...{ source: dependency.source, target_organisation: dependency.targetOrganisation, target: dependency.target },
  ...{ declared: dependency.declared, allowed_calls: dependency.allowedCalls, denied_calls: dependency.deniedCalls },
  observed_at: timestamp(dependency.observedAt),
});

export const changeToJson = (change: ServiceChange): ServiceHistory["changes"][number] => ({
  ...{ change: change.change, reason: change.reason, actor: change.actor },
  from_status: STATE_TO_JSON[change.fromState],
  to_status: stateToJson(change.toState),
  at: requiredTimestamp(change.at, "at"),
});
