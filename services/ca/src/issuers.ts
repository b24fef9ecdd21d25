import { type Authorities, issuesResponders } from "./authorities.ts";
import type { Profiles } from "./profiles.ts";
import type { Authority } from "./store/authorities.ts";
import type { ListTable } from "./store/lists.ts";

/** An authority that has signed, as those need to know it who answer for what it signed. */
export interface IssuerFacts {
  readonly authority: Authority;
  readonly certificateDer: Uint8Array;
  /** It can issue a delegated OCSP responder without asking custodians. */
  readonly issuesResponders: boolean;
  readonly archives: boolean;
  /** Its lists are numbered from 0. */
  readonly crlShards: number;
}

export interface IssuersContext {
  readonly authorities: Authorities;
  readonly profiles: Profiles;
  readonly lists: ListTable;
}

/** Every authority that has a certificate, of every organisation. */
export const listIssuers = ({ authorities, profiles, lists }: IssuersContext): IssuerFacts[] =>
  authorities.all().flatMap((authority) => {
    const { authorityId, certificateDer, state } = authority;
    if (!certificateDer || (state !== "active" && state !== "revoked")) return [];
    return {
      ...{ authority, certificateDer, issuesResponders: issuesResponders(authority) },
      ...{ archives: archives(authority, profiles), crlShards: lists.countShards(authorityId) },
    };
  });

/** What it certifies verifies signatures after its end, so what it revoked is told forever. */
export const archives = ({ profiles: issued }: Pick<Authority, "profiles">, profiles: Profiles): boolean =>
  issued.some((name) => profiles.find(name)?.revokedStays === "forever");
