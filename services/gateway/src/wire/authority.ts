import { AuthorityState, type CreateAuthorityRequest, type Authority as ProtoAuthority } from "@vcc-pki/proto/ca";
import type { Authority, AuthorityCreation } from "../api/authorities.ts";
import { certificatePem, known, present, requiredTimestamp, timestamp } from "./values.ts";

const STATUS_TO_JSON = {
  [AuthorityState.PENDING]: "pending",
  [AuthorityState.ACTIVE]: "active",
  [AuthorityState.REVOKED]: "revoked",
  [AuthorityState.REFUSED]: "refused",
  [AuthorityState.UNSPECIFIED]: undefined,
  [AuthorityState.UNRECOGNIZED]: undefined,
} as const satisfies Record<AuthorityState, Authority["status"] | undefined>;

export function authorityToJson(authority: ProtoAuthority): Authority {
  return {
    ca_id: authority.authorityId,
    organization_id: authority.organisation,
    parent_ca_id: present(authority.parentId),
    status: known(STATUS_TO_JSON[authority.state], "state"),
    subject_dn: authority.subject,
    key_algorithm: authority.keyAlgorithm,
    not_before: timestamp(authority.notBefore),
    expires_at: timestamp(authority.notAfter),
    profiles: authority.profiles,
    approval_id: present(authority.approvalId),
    created_at: requiredTimestamp(authority.createdAt, "created_at"),
    token: authority.token,
    certificate_pem: certificatePem(authority.certificateDer),
  };
}

export function creationToProto(
  creation: AuthorityCreation,
  organisation: string,
  requestId: string,
): CreateAuthorityRequest {
  const { name_constraints: constraints } = creation;
  return {
    requestId,
    organisation,
    authorityId: creation.ca_id,
    parentId: creation.parent_ca_id,
    commonName: creation.common_name,
    keyAlgorithm: creation.key_algorithm ?? "",
    validityDays: creation.validity_days ?? 0,
    profiles: creation.profiles ?? [],
    mayIssueAuthorities: creation.may_issue_authorities ?? false,
    nameConstraints: constraints && {
      permittedDns: constraints.permitted_dns ?? [],
      excludedDns: constraints.excluded_dns ?? [],
    },
    quorumThreshold: creation.quorum_threshold ?? 0,
  };
}
