import { stringify } from "yaml";
import { type Enforced, enforcedFor } from "./enforced.ts";
import type { Scope } from "./envoy.ts";
import type { PathPattern } from "./path.ts";
import type { Matrix } from "./rule.ts";

export interface IstioOptions extends Scope {
  readonly namespace: string;
  /** Labels of the target's pods. Absent: `app: <target>`. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** AuthorizationPolicies (security.istio.io/v1) for the pods of `target`, as one YAML stream: what is denied, and what is allowed, which
 *  denies all else. Path templates ({*}, {**}) need Istio 1.22. Unlike here, Istio's denials heed the case of a path. */
export function istioPolicies(matrix: Matrix, target: string, options: IstioOptions): string {
  const enforced = enforcedFor(matrix, target);
  const documents = (["deny", "allow"] as const).flatMap((effect) => {
    const rules = enforced.filter((each) => each.effect === effect).map((each) => ruleOf(each, options));
    // Without rules, DENY means nothing and ALLOW means nobody.
    if (effect === "deny" && rules.length === 0) return [];
    const { namespace, labels = { app: target } } = options;
    return [
      {
        apiVersion: "security.istio.io/v1",
        kind: "AuthorizationPolicy",
        metadata: { name: `vcc-matrix-${effect}-${target.replaceAll("_", "-")}`, namespace },
        spec: { selector: { matchLabels: labels }, action: effect.toUpperCase(), rules },
      },
    ];
  });
  return documents.map((document) => stringify(document, { lineWidth: 0 })).join("---\n");
}

function ruleOf({ services, isAllBut, methods, paths }: Enforced, { organisation, trustDomain }: Scope) {
  const principals = services.map((service) => `${trustDomain}/org/${organisation}/service/${service}`);
  const from = !isAllBut ? { principals } : principals.length === 0 ? undefined : { notPrincipals: principals };
  const operation = { ...(methods && { methods }), ...(paths && { paths: paths.flatMap(templatesOf) }) };
  return {
    ...(from && { from: [{ source: from }] }),
    ...(Object.keys(operation).length > 0 && { to: [{ operation }] }),
  };
}

/** "/api/**" is "/api" and what is below it. */
function templatesOf({ segments, isOpen }: PathPattern): readonly string[] {
  const path = segments.map((segment) => `/${segment === "*" ? "{*}" : segment}`).join("");
  return isOpen
    ? [...(path === "" ? [] : [path]), `${path}/{**}`]
    : [path || "/", ...(path === "" ? [] : [`${path}/`])];
}
