import {
  type CreateOrganizationRequest,
  DataSharingLevel,
  IsolationLevel,
  type Membership as ProtoMembership,
  type Organization as ProtoOrganisation,
  type IsolationPolicy as ProtoPolicy,
} from "@vcc-pki/proto/ca";
import {
  IsolationPolicy,
  type Membership,
  type Organisation,
  type OrganisationCreation,
} from "../api/organisations.ts";
import { known, requiredTimestamp, timestamp } from "./values.ts";

const LEVEL_TO_PROTO = {
  strict: IsolationLevel.STRICT,
  collaborative: IsolationLevel.COLLABORATIVE,
  federated: IsolationLevel.FEDERATED,
} as const satisfies Record<Organisation["isolation_level"], IsolationLevel>;

const LEVEL_TO_JSON = {
  [IsolationLevel.STRICT]: "strict",
  [IsolationLevel.COLLABORATIVE]: "collaborative",
  [IsolationLevel.FEDERATED]: "federated",
  [IsolationLevel.UNSPECIFIED]: undefined,
  [IsolationLevel.UNRECOGNIZED]: undefined,
} as const satisfies Record<IsolationLevel, Organisation["isolation_level"] | undefined>;

const SHARING_TO_PROTO = {
  none: DataSharingLevel.NONE,
  metadata_only: DataSharingLevel.METADATA_ONLY,
  full: DataSharingLevel.FULL,
} as const satisfies Record<IsolationPolicy["data_sharing_level"], DataSharingLevel>;

const SHARING_TO_JSON = {
  [DataSharingLevel.NONE]: "none",
  [DataSharingLevel.METADATA_ONLY]: "metadata_only",
  [DataSharingLevel.FULL]: "full",
  [DataSharingLevel.UNSPECIFIED]: "none",
  [DataSharingLevel.UNRECOGNIZED]: undefined,
} as const satisfies Record<DataSharingLevel, IsolationPolicy["data_sharing_level"] | undefined>;

const policyToProto = (policy: IsolationPolicy): ProtoPolicy => ({
  serviceAccessMatrixJson: JSON.stringify(policy.service_access_matrix),
  dataSharingLevel: SHARING_TO_PROTO[policy.data_sharing_level],
  crossTenantAuth: policy.cross_tenant_auth,
});

const policyToJson = (policy: ProtoPolicy): IsolationPolicy =>
  IsolationPolicy.parse({
    service_access_matrix: JSON.parse(policy.serviceAccessMatrixJson || "{}"),
    data_sharing_level: SHARING_TO_JSON[policy.dataSharingLevel],
    cross_tenant_auth: policy.crossTenantAuth,
  });

export function organisationToJson(organisation: ProtoOrganisation): Organisation {
  return {
    org_id: organisation.organisation,
    org_name: organisation.name,
    isolation_level: known(LEVEL_TO_JSON[organisation.isolationLevel], "isolation_level"),
    allowed_names: organisation.allowedNames,
    allowed_networks: organisation.allowedNetworks,
    admin_contact: organisation.adminContact,
    isolation_policy: organisation.isolationPolicy && policyToJson(organisation.isolationPolicy),
    created_at: requiredTimestamp(organisation.createdAt, "created_at"),
  };
}

export function organisationToProto(creation: OrganisationCreation, requestId: string): CreateOrganizationRequest {
  return {
    requestId,
    organisation: creation.org_id,
    name: creation.org_name,
    isolationLevel: LEVEL_TO_PROTO[creation.isolation_level ?? "strict"],
    allowedNames: creation.allowed_names ?? [],
    allowedNetworks: creation.allowed_networks ?? [],
    adminContact: creation.admin_contact ?? "",
    isolationPolicy: creation.isolation_policy && policyToProto(creation.isolation_policy),
    authorityIds: creation.ca_ids ?? [],
  };
}

export const membershipToJson = ({ organisation, identity, expiresAt }: ProtoMembership): Membership => ({
  org_id: organisation,
  identity,
  expires_at: timestamp(expiresAt),
});
