import { GRPC_STATUS } from "@vcc-pki/errors";
import { AuthorizationDefinition, type CheckResponse } from "@vcc-pki/proto/envoy-ext-authz";
import { implement, parseSpiffeId, type ServiceImplementation } from "@vcc-pki/rpc";
import { requireWorkload } from "@vcc-pki/service";
import type { Decisions, Judgement } from "../policy/decisions.ts";
import type { ServiceKey } from "../service-record.ts";

export interface ExtAuthzDoor {
  readonly decisions: Decisions;
  readonly trustDomain: string;
  /** Told how many were decided so. */
  count(outcome: Judgement["reason"], times: number): void;
  /** Told of each decision. */
  observe(from: ServiceKey, to: ServiceKey, isAllowed: boolean): void;
}

const OK: CheckResponse = { status: { code: 0, message: "" }, httpResponse: { $case: "okResponse", value: {} } };

/** Envoy's question (ext_authz, envoy.service.auth.v3) whether a request may pass to the service that it stands before. That service is whom Envoy's
 *  own certificate names; who calls is whom Envoy has verified (`source.principal`). No header is believed, x-forwarded-client-cert among them:
 *  they are not read. A refusal is an answer, so that Envoy gives the caller its reason. */
export function extAuthzService({ decisions, trustDomain, count, observe }: ExtAuthzDoor): ServiceImplementation {
  return implement(
    AuthorizationDefinition,
    {
      async check({ attributes }, context) {
        const target = requireWorkload(context);
        const principal = attributes?.source?.principal ?? "";
        const http = attributes?.request?.http;
        const source = workloadOf(principal, trustDomain);
        if (source === undefined) return refusal(401, "the caller has no identity of this trust domain");
        if (http === undefined || http.method === "" || http.path === "") return refusal(403, "no HTTP request");
        const judgement = decisions.decide(source, target, { method: http.method, path: http.path });
        count(judgement.reason, 1);
        observe(source, target, judgement.allowed);
        return judgement.allowed ? OK : refusal(403, judgement.text);
      },
    },
    { check: ["any-workload"] },
  );
}

function workloadOf(principal: string, trustDomain: string) {
  try {
    const id = parseSpiffeId(principal, trustDomain);
    return id.kind === "workload" ? id : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 9457, as everywhere. */
function refusal(status: 401 | 403, detail: string): CheckResponse {
  const type = `urn:pki:error:${status === 401 ? "CALLER_UNAUTHENTICATED" : "CALLER_NOT_ALLOWED"}`;
  return {
    status: { code: GRPC_STATUS.PERMISSION_DENIED, message: detail },
    httpResponse: {
      $case: "deniedResponse",
      value: {
        status: { code: status },
        headers: [{ header: { key: "content-type", value: "application/problem+json" } }],
        body: JSON.stringify({ type, status, detail }),
      },
    },
  };
}
