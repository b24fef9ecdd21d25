import {
  GrantServiceRequest,
  type ServiceGrant as ServiceGrantMessage,
  ServiceGrantServiceDefinition,
  WithdrawServiceGrantsRequest,
} from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import { requireAdmin } from "../actor.ts";
import type { ServiceGrants } from "../service-grants.ts";
import type { ServiceGrant } from "../store/service-grants.ts";
import { type Door, guarded, requestKey } from "./guard.ts";

/** Not the discovery service: what it may do is not its own to say. */
const CALLERS: Callers<typeof ServiceGrantServiceDefinition> = {
  grant: ["gateway"],
  withdraw: ["gateway"],
  list: ["gateway"],
};

export function serviceGrantService(door: Door, grants: ServiceGrants): ServiceImplementation {
  const organisationOf = ({ organisation }: { organisation: string }) => organisation;
  return implement(
    ServiceGrantServiceDefinition,
    {
      grant: guarded(door, "service.grant", organisationOf, async (request, actor) => {
        const key = requestKey(actor, "GrantService", GrantServiceRequest, request);
        return toProto(await grants.grant(actor, key, request));
      }),

      withdraw: guarded(door, "service.withdraw", organisationOf, async (request, actor) => {
        const key = requestKey(actor, "WithdrawServiceGrants", WithdrawServiceGrantsRequest, request);
        return { grants: (await grants.withdraw(actor, key, request.service, request.grantId)).map(toProto) };
      }),

      list: guarded(door, "service.grants", organisationOf, ({ service }, actor) => {
        requireAdmin(actor);
        return { grants: grants.list(actor.organisation.organisation, service).map(toProto) };
      }),
    },
    CALLERS,
  );
}

const toProto = (grant: ServiceGrant): ServiceGrantMessage => ({
  ...grant,
  dnsNames: [...grant.dnsNames],
  ipAddresses: [...grant.ipAddresses],
});
