import { Decider, istioPolicies } from "@vcc-pki/matrix";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { matrixOf } from "./matrices.ts";

/** What we write of an AuthorizationPolicy, by the names, types and bounds of its CustomResourceDefinition (security.istio.io/v1, manifests/charts/base
 *  of istio/istio). It drops what it does not know, so that a rule with a misspelt restriction would be one without: hence strict. */
const AuthorizationPolicy = z.strictObject({
  apiVersion: z.literal("security.istio.io/v1"),
  kind: z.literal("AuthorizationPolicy"),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/), namespace: z.string() }),
  spec: z.strictObject({
    selector: z.strictObject({
      matchLabels: z.record(
        z.string().min(1),
        z
          .string()
          .max(63)
          .regex(/^[^*]*$/),
      ),
    }),
    action: z.enum(["ALLOW", "DENY"]),
    rules: z
      .array(
        z.strictObject({
          from: z
            .array(
              z.strictObject({
                source: z.strictObject({
                  principals: z.array(z.string()).min(1).optional(),
                  notPrincipals: z.array(z.string()).min(1).optional(),
                }),
              }),
            )
            .optional(),
          to: z
            .array(
              z.strictObject({
                operation: z.strictObject({
                  methods: z.array(z.string()).min(1).optional(),
                  paths: z.array(z.string()).min(1).optional(),
                }),
              }),
            )
            .optional(),
        }),
      )
      .max(512),
  }),
});
type Rule = z.output<typeof AuthorizationPolicy>["spec"]["rules"][number];

const matrix = matrixOf(
  `argus: { allowed_outbound: [clara] }
covina: { allowed_outbound: [clara], special_permissions: [loading] }
vpb: { allowed_outbound: ["*"] }
scraper: { allowed_outbound: [{ service: clara, methods: [POST, PUT], paths: [/in/*, /in/*/parts/**] }] }
aat: { allowed_outbound: [clara], denied_outbound: [{ service: clara, paths: [/models/**] }] }
clara: { isolation_level: high }`,
  "special_permissions:\n  loading: { service: clara, methods: [POST], paths: [/load_adapter, /v1.0/**] }",
  { "clara-serving": "clara", "argus-2": "argus" },
);
const TARGET = "clara-serving";
const SCOPE = { organisation: "brandenburg", trustDomain: "vcc.internal", namespace: "clara" };

const policies = (target = TARGET) =>
  parseAllDocuments(istioPolicies(matrix, target, SCOPE)).map((document) => AuthorizationPolicy.parse(document.toJS()));

/** As Istio's reference describes it: DENY first, then ALLOW; within a rule all of from and to, of each list any; {*} is one segment, {**} any number. */
function istioAllows(principal: string, method: string, path: string): boolean {
  const matches = ({ from, to }: Rule) => {
    const isFrom = from?.some(
      ({ source: { principals, notPrincipals } }) =>
        (principals?.includes(principal) ?? true) && !(notPrincipals?.includes(principal) ?? false),
    );
    const isTo = to?.some(
      ({ operation: { methods, paths } }) =>
        (methods?.includes(method) ?? true) && (paths?.some((template) => isAt(template, path)) ?? true),
    );
    return (isFrom ?? true) && (isTo ?? true);
  };
  const rulesOf = (wanted: string) =>
    policies().flatMap(({ spec: { action, rules } }) => (action === wanted ? rules : []));
  return !rulesOf("DENY").some(matches) && rulesOf("ALLOW").some(matches);
}

function isAt(template: string, path: string): boolean {
  const pattern = template
    .split(/(\{\*\*?\})/)
    .map((part) => (part === "{*}" ? "[^/]+" : part === "{**}" ? ".*" : RegExp.escape(part)));
  return new RegExp(`^${pattern.join("")}$`).test(path);
}

describe("the AuthorizationPolicies of Istio", () => {
  it("are two for a service, with nothing in them that Istio does not know", () => {
    expect(policies().map(({ metadata, spec }) => [metadata.name, spec.action, spec.selector.matchLabels])).toEqual([
      ["vcc-matrix-deny-clara-serving", "DENY", { app: TARGET }],
      ["vcc-matrix-allow-clara-serving", "ALLOW", { app: TARGET }],
    ]);
  });

  it("let nobody in where nobody may call", () => {
    const nobody = matrixOf("a: {}");
    const [only, ...more] = parseAllDocuments(istioPolicies(nobody, "a", SCOPE)).map((each) => each.toJS());
    expect(more).toEqual([]);
    expect(only.spec).toMatchObject({ action: "ALLOW", rules: [] });
  });

  it("decide as the matrix does, but for the case of what is denied", () => {
    const decider = new Decider(matrix);
    const paths = ["/", "/status", "/load_adapter", "/load_adapter/x", "/v1.0", "/v1.0/x", "/v1x0/x", "/in", "/in/7"];
    const more = ["/in/7/parts", "/in/7/parts/1/2", "/in/7/other", "/models", "/models/1", "/modelsx"];
    const differing: string[] = [];
    let allowed = 0;
    for (const source of ["argus", "argus-2", "covina", "vpb", "scraper", "aat", "stranger"])
      for (const method of ["GET", "POST", "PUT"])
        for (const path of [...paths, ...more]) {
          const ours = decider.decide({ source, target: TARGET, method, path }).allowed;
          const theirs = istioAllows(`vcc.internal/org/brandenburg/service/${source}`, method, path);
          if (ours) allowed += 1;
          if (ours !== theirs) differing.push(`${source} ${method} ${path}: ours ${ours}, theirs ${theirs}`);
        }
    expect(differing).toEqual([]);
    expect(allowed).toBeGreaterThan(100);
  });
});
