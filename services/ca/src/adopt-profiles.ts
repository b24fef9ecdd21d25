import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import { parseCertificate } from "@vcc-pki/x509";
import type { Profile } from "./profile.ts";
import type { Profiles } from "./profiles.ts";
import type { Authority, AuthorityTable } from "./store/authorities.ts";
import type { ProfileTable } from "./store/profiles.ts";

export interface AdoptionContext {
  readonly store: Store;
  readonly table: ProfileTable;
  readonly authorities: AuthorityTable;
  readonly profiles: Profiles;
  readonly operatorOrganisation: string;
  /** SPIFFE URI of this service. */
  readonly self: string;
  readonly log: Logger;
}

/** Brings authorities up to profiles that came with a release after their ceremony: each is issued by the authority that it names, if that could issue the
 *  like before. What an authority may do at all is in its certificate and in its key's policy, which custodians have approved; a profile that needs more
 *  needs a new authority. A profile that was there at the ceremony, and not given to the authority, stays so. One commit; again changes nothing. */
export async function adoptProfiles(context: AdoptionContext): Promise<void> {
  const { store, authorities, log, operatorOrganisation, self } = context;
  const grown = authorities.all().flatMap((authority) => {
    const late = lateProfilesOf(authority, context);
    return late.length === 0 ? [] : [{ authority, late }];
  });
  if (grown.length === 0) return;
  await store.write(() => {
    for (const { authority, late } of grown) {
      const { authorityId: target, organisation } = authority;
      authorities.put({ ...authority, profiles: [...authority.profiles, ...late] });
      store.audit.add({
        ...{ action: "authority.adopt-profiles", outcome: "done", caller: self, requester: self, organisation, target },
        details: { profiles: late },
      });
      const policyId = `${target} issues ${late.join(", ")}`.slice(0, MAX_ID);
      store.outbox.add(event("pki.policy.changed.v1", operatorOrganisation, { policy: "authority", policyId }));
    }
  });
  for (const { authority, late } of grown)
    log.info("authority brought up to profiles", { authorityId: authority.authorityId, profiles: late.join(" ") });
}

const MAX_ID = 200;

function lateProfilesOf(authority: Authority, { profiles, table, log }: AdoptionContext): string[] {
  const { authorityId, state, createdAt, certificateDer } = authority;
  if (state !== "active" || certificateDer === undefined) return [];
  const usages = parseCertificate(certificateDer).extendedKeyUsages ?? [];
  const issued = authority.profiles.flatMap((name) => profiles.find(name) ?? []);
  const longest = Math.max(0, ...issued.map(({ validity }) => validity));
  const couldIssue = ({ extendedKeyUsageOids, validity }: Profile) =>
    validity <= longest && extendedKeyUsageOids.every((oid) => usages.includes(oid));
  return profiles.all().flatMap((profile) => {
    const { profile: name, authority: named } = profile;
    if (named !== authorityId || authority.profiles.includes(name)) return [];
    const since = table.firstRecordedAt(name);
    if (since === undefined || since <= createdAt) return [];
    if (couldIssue(profile)) return [name];
    log.warn("profile needs a new authority", { profile: name, authorityId });
    return [];
  });
}
