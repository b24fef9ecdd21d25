import { hash } from "node:crypto";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { AuditRecord } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { Certificate } from "@vcc-pki/x509";
import { type AwaitedApproval, approvalGranted } from "./approval-facts.ts";
import { certificateId } from "./certificate-id.ts";
import { type CrlRules, listPlan, NEVER } from "./crl-rules.ts";
import { firstNotice } from "./expiry-notices.ts";
import { AUTHORITY_PROFILE } from "./revoke.ts";
import type { Authority, AuthorityTable } from "./store/authorities.ts";
import type { CertificateTable } from "./store/certificates.ts";
import type { ListTable } from "./store/lists.ts";
import type { LogPosition, StatusLog } from "./store/status-log.ts";

interface ListContext {
  readonly lists: ListTable;
  readonly crlRules: CrlRules;
  readonly clock: Clock;
}

export interface AuthorityRecordContext extends ListContext {
  readonly store: Store;
  readonly table: AuthorityTable;
  readonly certificates: CertificateTable;
  readonly statusLog: StatusLog;
}

/** Makes a pending authority active: its certificate, its place among the lists, audit record and events. Only inside `store.write`;
 *  doing it again changes nothing. */
export function recordAuthority(ca: AuthorityRecordContext, pending: Authority, certificate: Certificate): Authority {
  const { store, table, certificates, statusLog, clock } = ca;
  const { organisation, authorityId, parentId, requester } = pending;
  const { notBefore, notAfter, serial } = certificate;
  const active: Authority = {
    ...pending,
    state: "active",
    ...{ tbsDer: undefined, approvalId: undefined, certificateDer: certificate.der, notBefore, notAfter },
  };
  table.put(active);
  const issuerId = parentId ?? authorityId;
  const key = { organisation, authorityId: issuerId, serial };
  if (certificates.find(key)) return active; // stored before, although its commit was reported as failed
  certificates.insert(
    {
      ...{ ...key, profile: AUTHORITY_PROFILE, profileVersion: 1, requester, crlShard: 0 },
      ...{ certificateDer: certificate.der, issuedAt: clock.now(), notAfter },
    },
    [],
    firstNotice(certificate),
  );
  addLists(ca, active);
  store.audit.add(authorityAudit(active, "done", { certificateSha256: hash("sha256", certificate.der, "hex") }));
  const { approvalId } = pending;
  if (approvalId !== undefined) store.outbox.add(approvalGranted(awaitedBy(pending, approvalId)));
  tell(store, active, certificate, issuerId, statusLog.append("issued", key));
  return active;
}

/** What a pending authority waits for; a root's key signs its own certificate. */
export const awaitedBy = ({ organisation, authorityId, parentId }: Authority, approvalId: string): AwaitedApproval => ({
  ...{ organisation, operation: "authority.create", approvalId },
  signedBy: parentId ?? authorityId,
});

/** Makes room for the lists that an authority is to have by its configuration; what it has already stays. Only inside `store.write`. */
export function addLists({ lists, crlRules, clock }: ListContext, authority: Authority): void {
  const { organisation, authorityId } = authority;
  const { shards, isUnderQuorum, hasDeltas } = listPlan(crlRules, authority);
  const dueAt = isUnderQuorum ? NEVER : clock.now();
  for (let crlShard = 0; crlShard < shards; crlShard++) lists.add({ organisation, authorityId, crlShard }, dueAt);
  lists.switchDeltas(authorityId, hasDeltas ? clock.now() : NEVER);
}

function tell(
  store: Store,
  authority: Authority,
  certificate: Certificate,
  issuerId: string,
  position: LogPosition,
): void {
  const { organisation, authorityId, parentId, keyId } = authority;
  const { serial, serialHex, notBefore, notAfter } = certificate;
  const facts = { authorityId, serialHex, notAfter: notAfter.toISOString() };
  store.outbox.add(event("pki.authority.created.v1", organisation, { ...facts, parentAuthorityId: parentId, keyId }));
  store.outbox.add(
    event("pki.certificate.issued.v1", organisation, {
      ...{ certificateId: certificateId(issuerId, serial), profile: AUTHORITY_PROFILE },
      ...{ ...facts, ...position, authorityId: issuerId, notBefore: notBefore.toISOString() },
    }),
  );
}

/** The audit record of one step of the making of an authority. */
export const authorityAudit = (
  authority: Authority,
  outcome: "requested" | "done" | "failed",
  details: Record<string, unknown>,
): AuditRecord => ({
  action: "authority.create",
  ...{ outcome, details: { ...details, keyId: authority.keyId } },
  ...{ caller: authority.caller, requester: authority.requester, organisation: authority.organisation },
  ...{ target: authority.authorityId, requestId: authority.requestId },
});
