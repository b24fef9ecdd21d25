import { PkiError } from "@vcc-pki/errors";
import {
  CreateOrganizationRequest,
  DataSharingLevel as DataSharingMessage,
  GrantMembershipRequest,
  IsolationLevel as IsolationMessage,
  type IsolationPolicy as IsolationPolicyMessage,
  type Membership as MembershipMessage,
  type Organization as OrganizationMessage,
  OrganizationServiceDefinition,
  RevokeMembershipRequest,
} from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import { noSuchOrganisation } from "../actor.ts";
import type { Organisations } from "../organisations.ts";
import type {
  DataSharingLevel,
  IsolationLevel,
  Membership,
  Organisation,
  OrganisationTable,
} from "../store/organisations.ts";
import { type Door, guarded, requestKey } from "./guard.ts";

export interface OrganisationDoor extends Door {
  readonly organisations: Organisations;
  readonly table: OrganisationTable;
}

const CALLERS: Callers<typeof OrganizationServiceDefinition> = {
  create: ["gateway", "ceremony"],
  get: ["gateway", "ceremony"],
  list: ["gateway", "ceremony"],
  grantMembership: ["gateway", "ceremony"],
  revokeMembership: ["gateway", "ceremony"],
  getMembership: ["discovery", "lifecycle", "signing"],
  getIsolation: ["discovery"],
};

/** Who asks here speaks for its own organisation; the one a request names is what it asks about. */
const atHome = () => "";

export function organisationService(door: OrganisationDoor): ServiceImplementation {
  const { organisations, table } = door;
  return implement(
    OrganizationServiceDefinition,
    {
      create: guarded(door, "organisation.create", atHome, async (request, actor) => {
        const key = requestKey(actor, "CreateOrganization", CreateOrganizationRequest, request);
        const { organisation, name, allowedNames, allowedNetworks, adminContact } = request;
        const wanted = {
          ...{ organisation, name, allowedNames, allowedNetworks, adminContact },
          isolationLevel: isolationFromProto(request.isolationLevel),
          isolationPolicy: policyFromProto(request.isolationPolicy),
        };
        return organisationToProto(await organisations.create(actor, key, wanted, request.authorityIds));
      }),

      get: guarded(door, "organisation.get", atHome, (request, actor) => {
        const wanted = request.organisation || actor.organisation.organisation;
        const visible = organisations.list(actor).some(({ organisation }) => organisation === wanted);
        const organisation = visible ? table.find(wanted) : undefined;
        if (organisation === undefined) throw noSuchOrganisation();
        return organisationToProto(organisation);
      }),

      list: guarded(door, "organisation.list", atHome, (_, actor) => ({
        organisations: organisations.list(actor).map(organisationToProto),
      })),

      grantMembership: guarded(door, "membership.grant", atHome, async (request, actor) => {
        const key = requestKey(actor, "GrantMembership", GrantMembershipRequest, request);
        if (request.membership === undefined) throw new PkiError("REQUEST_MALFORMED", "which membership?");
        const { organisation, identity, expiresAt } = request.membership;
        return membershipToProto(
          await organisations.grantMembership(actor, key, { organisation, identity, expiresAt }),
        );
      }),

      revokeMembership: guarded(door, "membership.revoke", atHome, async (request, actor) => {
        const key = requestKey(actor, "RevokeMembership", RevokeMembershipRequest, request);
        return membershipToProto(
          await organisations.revokeMembership(actor, key, request.organisation, request.identity),
        );
      }),

      getMembership: guarded(door, "membership.get", atHome, ({ organisation, identity }) => ({
        ...{ organisation, identity },
        expiresAt: organisations.administrationEnds(organisation, identity),
      })),

      getIsolation: guarded(door, "organisation.isolation", atHome, ({ organisation }) => {
        const found = table.find(organisation);
        if (found === undefined) throw noSuchOrganisation();
        return { isolationLevel: ISOLATION[found.isolationLevel] };
      }),
    },
    CALLERS,
  );
}

const ISOLATION = {
  strict: IsolationMessage.STRICT,
  collaborative: IsolationMessage.COLLABORATIVE,
  federated: IsolationMessage.FEDERATED,
} as const satisfies Record<IsolationLevel, IsolationMessage>;

/** Unspecified is strict: nothing is shared by default. */
function isolationFromProto(level: IsolationMessage): IsolationLevel {
  if (level === IsolationMessage.UNSPECIFIED) return "strict";
  const found = Object.entries(ISOLATION).find(([, message]) => message === level);
  if (found === undefined) throw new PkiError("REQUEST_MALFORMED", "no such isolation level");
  return found[0] as IsolationLevel;
}

const SHARING = {
  none: DataSharingMessage.NONE,
  metadata_only: DataSharingMessage.METADATA_ONLY,
  full: DataSharingMessage.FULL,
} as const satisfies Record<DataSharingLevel, DataSharingMessage>;

function policyFromProto(policy: IsolationPolicyMessage | undefined): Organisation["isolationPolicy"] {
  const level = policy?.dataSharingLevel ?? DataSharingMessage.UNSPECIFIED;
  const found = Object.entries(SHARING).find(([, message]) => message === level);
  if (found === undefined && level !== DataSharingMessage.UNSPECIFIED) {
    throw new PkiError("REQUEST_MALFORMED", "no such data sharing level");
  }
  return {
    serviceAccessMatrix: parseMatrix(policy?.serviceAccessMatrixJson ?? ""),
    dataSharingLevel: (found?.[0] ?? "none") as DataSharingLevel,
    crossTenantAuth: policy?.crossTenantAuth ?? false,
  };
}

function parseMatrix(json: string): Record<string, string[]> {
  if (json === "") return {};
  const refuse = () =>
    new PkiError("REQUEST_MALFORMED", 'a service access matrix is JSON such as {"argus": ["covina"]}');
  if (json.length > 64 * 1024) throw refuse();
  let matrix: unknown;
  try {
    matrix = JSON.parse(json);
  } catch {
    throw refuse();
  }
  if (typeof matrix !== "object" || matrix === null || Array.isArray(matrix)) throw refuse();
  const isList = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!Object.values(matrix).every(isList)) throw refuse();
  return matrix as Record<string, string[]>;
}

function organisationToProto(organisation: Organisation): OrganizationMessage {
  const { isolationPolicy } = organisation;
  return {
    organisation: organisation.organisation,
    name: organisation.name,
    isolationLevel: ISOLATION[organisation.isolationLevel],
    allowedNames: [...organisation.allowedNames],
    allowedNetworks: [...organisation.allowedNetworks],
    adminContact: organisation.adminContact,
    isolationPolicy: {
      serviceAccessMatrixJson: JSON.stringify(isolationPolicy.serviceAccessMatrix),
      dataSharingLevel: SHARING[isolationPolicy.dataSharingLevel],
      crossTenantAuth: isolationPolicy.crossTenantAuth,
    },
    createdAt: organisation.createdAt,
  };
}

const membershipToProto = ({ organisation, identity, expiresAt }: Membership): MembershipMessage => ({
  organisation,
  identity,
  expiresAt,
});
