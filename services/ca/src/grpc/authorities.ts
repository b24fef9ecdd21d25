import { PkiError } from "@vcc-pki/errors";
import {
  type Authority as AuthorityMessage,
  AuthorityServiceDefinition,
  CreateAuthorityRequest,
  type Issuer as IssuerMessage,
  RevokeAuthorityRequest,
  AuthorityState as StateMessage,
} from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import type { RevocationReason } from "@vcc-pki/x509";
import { buildName, nameToText, parseCertificate } from "@vcc-pki/x509";
import type { Actor } from "../actor.ts";
import type { Authorities } from "../authorities.ts";
import type { AuthorityCreation } from "../authority.ts";
import type { IssuerFacts } from "../issuers.ts";
import type { Authority, AuthorityState } from "../store/authorities.ts";
import type { RequestKey } from "../store/requests.ts";
import { type Door, guarded, requestKey } from "./guard.ts";
import { reasonFromProto } from "./revocation-reasons.ts";

export interface AuthorityDoor extends Door {
  readonly authorities: Authorities;
  readonly creation: AuthorityCreation;
  readonly issuers: () => readonly IssuerFacts[];
  readonly revoke: (
    actor: Actor,
    request: RequestKey,
    authorityId: string,
    reason: RevocationReason,
  ) => Promise<Authority>;
}

const CALLERS: Callers<typeof AuthorityServiceDefinition> = {
  create: ["gateway", "ceremony"],
  get: ["any-suite"],
  list: ["any-suite"],
  revoke: ["gateway", "ceremony"],
  getChain: ["any-suite"],
  getTrustBundle: ["anyone"],
  listIssuers: ["any-suite"],
};

export function authorityService(door: AuthorityDoor): ServiceImplementation {
  const { authorities, creation } = door;
  const organisationOf = ({ organisation }: { organisation: string }) => organisation;
  const getVisible = (id: string, actor: Actor) => authorities.getVisible(id, actor.organisation.organisation);
  return implement(
    AuthorityServiceDefinition,
    {
      create: guarded(door, "authority.create", organisationOf, async (request, actor) => {
        const key = requestKey(actor, "CreateAuthority", CreateAuthorityRequest, request);
        const { authorityId, parentId, commonName, keyAlgorithm, validityDays, profiles } = request;
        const { mayIssueAuthorities, nameConstraints, quorumThreshold } = request;
        const authority = await creation.create(actor, key, {
          ...{ authorityId, parentId, commonName, keyAlgorithm, validityDays, profiles },
          ...{ mayIssueAuthorities, nameConstraints, quorumThreshold },
        });
        return authorityToProto(authority);
      }),

      get: guarded(door, "authority.get", organisationOf, (request, actor) =>
        authorityToProto(getVisible(request.authorityId, actor)),
      ),

      list: guarded(door, "authority.list", organisationOf, (_, actor) => ({
        authorities: authorities
          .all()
          .filter(({ authorityId }) => authorities.isVisible(authorityId, actor.organisation.organisation))
          .map(authorityToProto),
      })),

      revoke: guarded(door, "authority.revoke", organisationOf, async (request, actor) => {
        const key = requestKey(actor, "RevokeAuthority", RevokeAuthorityRequest, request);
        return authorityToProto(await door.revoke(actor, key, request.authorityId, reasonFromProto(request.reason)));
      }),

      getChain: guarded(door, "authority.chain", organisationOf, (request, actor) => {
        const { authorityId, certificateDer } = getVisible(request.authorityId, actor);
        if (!certificateDer) throw new PkiError("AUTHORITY_NOT_ACTIVE", `${authorityId} has no certificate yet`);
        return { certificatesDer: authorities.chainOf(authorityId, { withRoot: true }) };
      }),

      /** What relying parties need to know: not a tenant's secret, so whoever is authenticated may have it. */
      async getTrustBundle() {
        const active = authorities.all().filter(({ state }) => state === "active");
        const certificatesOf = (selected: Authority[]) =>
          selected.flatMap(({ certificateDer }) => certificateDer ?? []);
        return {
          rootsDer: certificatesOf(active.filter(({ parentId }) => parentId === undefined)),
          intermediatesDer: certificatesOf(active.filter(({ parentId }) => parentId !== undefined)),
        };
      },

      /** Public data of every tenant, for who answers for all of them. */
      listIssuers: async () => ({ issuers: door.issuers().map(issuerToProto) }),
    },
    CALLERS,
  );
}

const STATES = {
  pending: StateMessage.PENDING,
  active: StateMessage.ACTIVE,
  revoked: StateMessage.REVOKED,
  refused: StateMessage.REFUSED,
} as const satisfies Record<AuthorityState, StateMessage>;

const issuerToProto = ({ authority, ...facts }: IssuerFacts): IssuerMessage => ({
  ...facts,
  ...{ authorityId: authority.authorityId, organisation: authority.organisation, parentId: authority.parentId ?? "" },
  state: STATES[authority.state],
});

function authorityToProto(authority: Authority): AuthorityMessage {
  const { certificateDer, commonName } = authority;
  const subject = certificateDer ? parseCertificate(certificateDer).subject : buildName([["CN", commonName]]);
  return {
    authorityId: authority.authorityId,
    organisation: authority.organisation,
    parentId: authority.parentId ?? "",
    state: STATES[authority.state],
    subject: nameToText(subject),
    keyAlgorithm: authority.keyAlgorithm,
    certificateDer: certificateDer ?? new Uint8Array(),
    notBefore: authority.notBefore,
    notAfter: authority.notAfter,
    profiles: [...authority.profiles],
    approvalId: authority.approvalId ?? "",
    createdAt: authority.createdAt,
    token: authority.token ?? "",
  };
}
