import {
  type CrossGrant as CrossGrantMessage,
  type Decision,
  type Finding,
  Finding_Severity,
  type Matrix as MatrixMessage,
} from "@vcc-pki/proto/discovery";
import type { CommunicationAnswer, CrossGrant, CrossGrantPut, Matrix, MatrixFinding } from "../api/matrix.ts";
import { present, requiredTimestamp, timestamp } from "./values.ts";

export const matrixToJson = ({ organisation, version, yaml, ...message }: MatrixMessage): Matrix => ({
  ...{ organisation, version, yaml },
  sha256: present(Buffer.from(message.sha256).toString("hex")),
  put_by: present(message.putBy),
  put_at: timestamp(message.putAt),
  findings: message.findings.map(findingToJson),
  document: message.documentJson === "" ? undefined : JSON.parse(message.documentJson),
});

const findingToJson = ({ severity, kind, line, message }: Finding): MatrixFinding => ({
  severity: severity === Finding_Severity.ERROR ? "error" : "warning",
  ...{ kind, line, message },
});

export const decisionToJson = ({ allowed, rule, line, code, reason }: Decision): CommunicationAnswer => ({
  ...{ allowed, rule: present(rule), line: line || undefined, code, reason },
});

export const crossGrantToProto = (grant: CrossGrantPut): CrossGrantMessage => ({
  ...{ sourceOrganisation: grant.source_organisation, sourceService: grant.source_service },
  ...{ targetOrganisation: grant.target_organisation, targetService: grant.target_service },
  expiresAt: new Date(grant.expires_at),
  ...{ crossGrantId: "", grantedBySource: "", grantedByTarget: "", withdrawnAt: undefined },
});

export const crossGrantToJson = (grant: CrossGrantMessage): CrossGrant => ({
  grant_id: grant.crossGrantId,
  ...{ source_organisation: grant.sourceOrganisation, source_service: grant.sourceService },
  ...{ target_organisation: grant.targetOrganisation, target_service: grant.targetService },
  expires_at: requiredTimestamp(grant.expiresAt, "expires_at"),
  ...{ granted_by_source: present(grant.grantedBySource), granted_by_target: present(grant.grantedByTarget) },
  withdrawn_at: timestamp(grant.withdrawnAt),
});
