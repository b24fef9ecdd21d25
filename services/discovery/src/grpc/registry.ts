import { PkiError } from "@vcc-pki/errors";
import {
  ApproveServiceRequest,
  type CertificateBinding as CertificateBindingMessage,
  type Dependency as DependencyMessage,
  RegisterServiceRequest,
  RegistryServiceDefinition,
  RemoveServiceRequest,
  type ServiceChange as ServiceChangeMessage,
  type Service as ServiceMessage,
  ServiceState as StateMessage,
  UpdateServiceRequest,
} from "@vcc-pki/proto/discovery";
import {
  type CallContext,
  type Callers,
  implement,
  type RequestKey,
  requestKey,
  type ServiceImplementation,
} from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { Dependencies, Dependency } from "../dependencies.ts";
import type { Cause, Registry } from "../registry.ts";
import { parseServiceFields, parseServiceName } from "../service-fields.ts";
import { type CertificateBinding, type ServiceKey, type ServiceRecord, serialOf } from "../service-record.ts";
import { type ServiceState, STATES } from "../states.ts";
import type { ChangeTable, ServiceChange } from "../store/changes.ts";
import type { RequestTable } from "../store/requests.ts";

export interface RegistryDoor {
  readonly store: Store;
  readonly registry: Registry;
  readonly changes: ChangeTable;
  readonly requests: RequestTable;
  readonly administrators: Administrators;
  /** Profiles that a service may have. */
  readonly profiles: readonly string[];
  readonly clock: Clock;
  readonly dependencies: Dependencies;
}

/** Administrators come through the gateway. */
const DOOR = ["gateway"] as const;

const CALLERS: Callers<typeof RegistryServiceDefinition> = {
  register: DOOR,
  update: DOOR,
  get: DOOR,
  list: DOOR,
  approve: DOOR,
  remove: DOOR,
  getHistory: DOOR,
  getDependencies: DOOR,
};

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const MAX_HISTORY = 1_000;

export function registryService(door: RegistryDoor): ServiceImplementation {
  const { registry, changes, administrators, profiles } = door;

  async function keyOf(context: CallContext, { organisation, service }: ServiceKey): Promise<ServiceKey> {
    const acting = await administrators.resolveOrganisation(context, organisation);
    return { organisation: acting, service: parseServiceName(service) };
  }

  /** Once for each request id, with its audit record. */
  function once(
    context: CallContext,
    key: ServiceKey,
    { action, request, why }: { readonly action: string; readonly request: RequestKey; readonly why: string },
    work: (cause: Cause) => ServiceRecord,
  ): Promise<ServiceRecord> {
    const { store, requests, clock } = door;
    return store.write(() => {
      if (requests.find(request) !== undefined) return registry.get(key);
      const record = work({ actor: context.requester.uri, reason: why });
      requests.insert(request, key.service, clock.now());
      store.audit.add({
        ...{ action, outcome: "done", caller: context.caller.uri, requester: context.requester.uri },
        ...{ organisation: key.organisation, target: key.service, requestId: request.requestId },
        details: { state: record.state, version: record.version },
      });
      return record;
    });
  }

  return implement(
    RegistryServiceDefinition,
    {
      async register(request, context) {
        const said = requireSaid(request.service);
        const key = await keyOf(context, said);
        const fields = parseServiceFields(key.service, said, profiles);
        const asked = requestKey(context, "register", RegisterServiceRequest, request);
        const how = { action: "service.register", request: asked, why: "registered by an administrator" };
        return toProto(await once(context, key, how, (cause) => registry.register(key, fields, cause)));
      },

      async update(request, context) {
        const said = requireSaid(request.service);
        const key = await keyOf(context, said);
        const fields = parseServiceFields(key.service, said, profiles);
        const asked = requestKey(context, "update", UpdateServiceRequest, request);
        const how = { action: "service.update", request: asked, why: "changed by an administrator" };
        return toProto(await once(context, key, how, (cause) => registry.update(key, fields, request.version, cause)));
      },

      async get(request, context) {
        return toProto(registry.get(await keyOf(context, request)));
      },

      async list({ organisation, state, type, pageSize, pageToken }, context) {
        const acting = await administrators.resolveOrganisation(context, organisation);
        const after = pageToken === "" ? "" : parseServiceName(pageToken);
        const size = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
        const found = registry.page({ organisation: acting, state: stateFromProto(state), type }, after, size + 1);
        const services = found.slice(0, size);
        return {
          services: services.map(toProto),
          nextPageToken: found.length > size ? (services.at(-1)?.service ?? "") : "",
        };
      },

      async approve(request, context) {
        const key = await keyOf(context, request);
        const asked = requestKey(context, "approve", ApproveServiceRequest, request);
        const how = { action: "service.approve", request: asked, why: "approved by an administrator" };
        return toProto(await once(context, key, how, (cause) => registry.approve(key, cause)));
      },

      async remove(request, context) {
        const key = await keyOf(context, request);
        const asked = requestKey(context, "remove", RemoveServiceRequest, request);
        const how = { action: "service.remove", request: asked, why: "removed by an administrator" };
        return toProto(await once(context, key, how, (cause) => registry.remove(key, cause)));
      },

      async getHistory(request, context) {
        const key = await keyOf(context, request);
        registry.get(key);
        return { changes: changes.list(key, MAX_HISTORY).map(changeToProto) };
      },

      async getDependencies({ organisation }, context) {
        const found = door.dependencies.list(await administrators.resolveOrganisation(context, organisation));
        return { dependencies: found.map(dependencyToProto) };
      },
    },
    CALLERS,
  );
}

function requireSaid(service: ServiceMessage | undefined): ServiceMessage {
  if (service === undefined) throw new PkiError("REQUEST_MALFORMED", "which service?");
  return service;
}

const STATE_MESSAGES = {
  discovered: StateMessage.DISCOVERED,
  pending_approval: StateMessage.PENDING_APPROVAL,
  pending_cert: StateMessage.PENDING_CERT,
  active: StateMessage.ACTIVE,
  unreachable: StateMessage.UNREACHABLE,
  inactive: StateMessage.INACTIVE,
} as const satisfies Record<ServiceState, StateMessage>;

/** "": any. */
function stateFromProto(state: StateMessage): ServiceState | "" {
  if (state === StateMessage.UNSPECIFIED) return "";
  const found = STATES.find((name) => STATE_MESSAGES[name] === state);
  if (found === undefined) throw new PkiError("REQUEST_MALFORMED", "no such state of a service");
  return found;
}

const toProto = ({ approval, certificate, state, ...record }: ServiceRecord): ServiceMessage => ({
  ...record,
  ...{ endpoints: [...record.endpoints], dnsNames: [...record.dnsNames], ipAddresses: [...record.ipAddresses] },
  dependsOn: [...record.dependsOn],
  state: STATE_MESSAGES[state],
  certificate: certificate && bindingToProto(certificate),
  ...{ approvedBy: approval?.by ?? "", approvedAt: approval?.at },
});

const bindingToProto = (certificate: CertificateBinding): CertificateBindingMessage => ({
  ...certificate,
  serialHex: serialOf(certificate),
});

const dependencyToProto = ({ isDeclared, allowed, denied, ...dependency }: Dependency): DependencyMessage => ({
  ...{ ...dependency, declared: isDeclared, allowedCalls: allowed, deniedCalls: denied },
});

const changeToProto = ({ change, from, to, reason, actor, at }: ServiceChange): ServiceChangeMessage => ({
  ...{ change, reason, actor, at },
  ...{ fromState: from === undefined ? StateMessage.UNSPECIFIED : STATE_MESSAGES[from], toState: STATE_MESSAGES[to] },
});
