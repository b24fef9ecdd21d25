import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { RevocationReason } from "@vcc-pki/x509";
import { parseCertificate } from "@vcc-pki/x509";
import { type Actor, requireAdmin } from "./actor.ts";
import { noSuchAuthority } from "./authorities.ts";
import type { RevocationContext, Revocations } from "./revoke.ts";
import type { Authority, AuthorityTable } from "./store/authorities.ts";
import type { RequestKey } from "./store/requests.ts";

/** Reasons that authorities may be revoked for. */
const AUTHORITY_REASONS: readonly RevocationReason[] = [
  ...(["unspecified", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation"] as const),
  "privilegeWithdrawn",
];

export interface AuthorityRevocationContext extends RevocationContext {
  readonly table: AuthorityTable;
  readonly rows: Revocations;
}

/** Revokes an authority: it issues nothing from now on, and its parent lists it. Throws NOT_FOUND, AUTHORITY_NOT_ACTIVE,
 *  CERTIFICATE_NOT_REVOCABLE for a root, which nobody stands above, and REVOCATION_REASON_NOT_ALLOWED. */
export async function revokeAuthority(
  ca: AuthorityRevocationContext,
  actor: Actor,
  request: RequestKey,
  authorityId: string,
  reason: RevocationReason,
): Promise<Authority> {
  requireAdmin(actor);
  const { organisation } = actor.organisation;
  const authority = ca.authorities.getVisible(authorityId, organisation);
  if (authority.organisation !== organisation) throw noSuchAuthority();
  if (ca.requests.findTarget(request) !== undefined) return authority;

  // 1 may it be revoked, and for this reason
  const { parentId, certificateDer } = authority;
  if (parentId === undefined)
    throw new PkiError("CERTIFICATE_NOT_REVOCABLE", "a root is withdrawn from trust bundles, not revoked");
  if (!AUTHORITY_REASONS.includes(reason)) {
    throw new PkiError("REVOCATION_REASON_NOT_ALLOWED", `authorities are not revoked for ${reason}`);
  }
  if (authority.state !== "active" || !certificateDer) {
    throw new PkiError("AUTHORITY_NOT_ACTIVE", `${authorityId} is not active`);
  }
  const { serial } = parseCertificate(certificateDer);
  const certificate = ca.certificates.find({ organisation, authorityId: parentId, serial });
  if (certificate === undefined) throw new Error(`the certificate of ${authorityId} is gone`);

  // 2 state, row, dirty list, audit record and events in one transaction
  const revoked: Authority = { ...authority, state: "revoked" };
  await ca.store.write(() => {
    if (!ca.requests.insert(request, authorityId, ca.clock.now())) return;
    ca.table.put(revoked);
    ca.rows.record({ actor, request, certificate, reason, invalidityDate: undefined }, "authority.revoke");
    const facts = { authorityId, reason, revokedAt: ca.clock.now().toISOString() };
    ca.store.outbox.add(event("pki.authority.revoked.v1", organisation, facts));
  });
  ca.authorities.remember(revoked);
  ca.onRevoked();
  return revoked;
}
