import { stringify } from "yaml";
import { type Enforced, enforcedFor, pathExpression } from "./enforced.ts";
import type { Matrix } from "./rule.ts";

export interface Scope {
  readonly organisation: string;
  readonly trustDomain: string;
}

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/** The HTTP filters of an Envoy in front of `target`, as YAML of `http_filters`: what is denied, then what is allowed; all else is refused with
 *  403. The connection manager has to normalise what it matches: `normalize_path: true`, `merge_slashes: true`,
 *  `path_with_escaped_slashes_action: REJECT_REQUEST`; and its listener has to demand client certificates of the trust domain. */
export function envoyRbac(matrix: Matrix, target: string, scope: Scope): string {
  const enforced = enforcedFor(matrix, target);
  const filters = (["deny", "allow"] as const).map((effect) => {
    const meant = enforced.filter((each) => each.effect === effect);
    const policies = Object.fromEntries(meant.map((each) => [each.name, policyOf(each, scope)]));
    const rules = { action: effect.toUpperCase(), policies };
    return { name: "envoy.filters.http.rbac", typed_config: { "@type": TYPE, rules } };
  });
  return stringify(filters, { lineWidth: 0 });
}

function policyOf({ effect, services, isAllBut, methods, paths }: Enforced, { organisation, trustDomain }: Scope) {
  const identities = services.map((service) => ({
    authenticated: { principal_name: { exact: `spiffe://${trustDomain}/org/${organisation}/service/${service}` } },
  }));
  const who = isAllBut
    ? identities.length === 0
      ? { any: true }
      : { not_id: { or_ids: { ids: identities } } }
    : undefined;
  const where = [
    ...(methods ? [anyOf(methods.map((exact) => ({ header: { name: ":method", string_match: { exact } } })))] : []),
    ...(paths
      ? [anyOf(paths.map((path) => ({ url_path: { path: { safe_regex: { regex: pathExpression(path, effect) } } } })))]
      : []),
  ];
  return {
    permissions: [where.length === 0 ? { any: true } : { and_rules: { rules: where } }],
    principals: who ? [who] : identities,
  };
}

const anyOf = (rules: readonly object[]) => ({ or_rules: { rules } });
