import { afterAll, beforeAll, expect, it } from "vitest";
import { newSuite, type Suite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await newSuite();
});
afterAll(() => suite.close());

type Schema = Record<string, unknown>;

it("documents every route, with refusals, and refers to nothing that is missing", async () => {
  const document = (await suite.knock({ path: "/api/openapi.json" })).json() as {
    openapi: string;
    paths: Record<string, Record<string, { summary?: string; responses: Schema }>>;
    components: { schemas: Schema };
    security: unknown;
  };
  expect(document.openapi).toBe("3.1.0");
  expect(document.security).toEqual([{ mutualTLS: [] }]);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })),
  );
  expect(operations.map(({ name }) => name).sort()).toEqual(ROUTES);
  for (const { name, summary, responses } of operations) {
    expect(summary, name).toBeTruthy();
    expect(responses.default, name).toMatchObject({ content: { "application/problem+json": {} } });
  }
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name,
  );
  expect([...new Set(references)].sort()).toEqual(Object.keys(document.components.schemas).sort());
});

const ROUTES = [
  "DELETE /api/v1/enrolment/tokens/{token_id}",
  "DELETE /api/v1/services/{service}",
  "DELETE /api/v1/vcc/grants/{grant_id}",
  "DELETE /api/v1/webhooks/{webhook_id}",
  "GET /api/v1/agent/watch",
  "GET /api/v1/approvals",
  "GET /api/v1/approvals/{id}",
  "GET /api/v1/ca/list",
  "GET /api/v1/ca/{ca_id}",
  "GET /api/v1/ca/{ca_id}/certificate",
  "GET /api/v1/ca/{ca_id}/chain",
  "GET /api/v1/certs/history/{cert_id}",
  "GET /api/v1/certs/list",
  "GET /api/v1/certs/status/{cert_id}",
  "GET /api/v1/certs/{cert_id}",
  "GET /api/v1/crl/{ca_id}",
  "GET /api/v1/dependencies",
  "GET /api/v1/enrolment/requests",
  "GET /api/v1/enrolment/requests/{request_id}",
  "GET /api/v1/enrolment/tokens",
  "GET /api/v1/events",
  "GET /api/v1/health",
  "GET /api/v1/inventory",
  "GET /api/v1/inventory/endpoints/{endpoint}",
  "GET /api/v1/inventory/sweeps/{sweep_id}",
  "GET /api/v1/lifecycle/certificates",
  "GET /api/v1/lifecycle/report",
  "GET /api/v1/lineage/{digest}",
  "GET /api/v1/notices",
  "GET /api/v1/organisations",
  "GET /api/v1/profiles",
  "GET /api/v1/profiles/{profile}",
  "GET /api/v1/recalls",
  "GET /api/v1/services",
  "GET /api/v1/services/{service}",
  "GET /api/v1/services/{service}/history",
  "GET /api/v1/sign/audit/{signature_id}",
  "GET /api/v1/sign/audit/{signature_id}/usage",
  "GET /api/v1/signatures",
  "GET /api/v1/signers",
  "GET /api/v1/trust/bundle",
  "GET /api/v1/tsa/certificate",
  "GET /api/v1/tsa/status",
  "GET /api/v1/tsa/tokens",
  "GET /api/v1/tsa/tokens/{serial_number}",
  "GET /api/v1/vcc/grants",
  "GET /api/v1/vcc/matrix",
  "GET /api/v1/vcc/matrix/graph",
  "GET /api/v1/vcc/matrix/reach",
  "GET /api/v1/webhooks",
  "GET /api/v1/webhooks/{webhook_id}/deliveries",
  "POST /api/v1/agent/provision",
  "POST /api/v1/agent/renew",
  "POST /api/v1/agent/report",
  "POST /api/v1/approvals/{id}/decisions",
  "POST /api/v1/ca/create-issuing-ca",
  "POST /api/v1/ca/revoke/{ca_id}",
  "POST /api/v1/certs/release/{cert_id}",
  "POST /api/v1/certs/request",
  "POST /api/v1/certs/revoke/{cert_id}",
  "POST /api/v1/enrol",
  "POST /api/v1/enrol/requests",
  "POST /api/v1/enrol/requests/{request_id}/claim",
  "POST /api/v1/enrolment/requests/{request_id}/decide",
  "POST /api/v1/enrolment/tokens",
  "POST /api/v1/inventory/probe",
  "POST /api/v1/inventory/sweep",
  "POST /api/v1/notices/{notice_id}/acknowledge",
  "POST /api/v1/ocsp",
  "POST /api/v1/organisations",
  "POST /api/v1/organisations/{org_id}/members",
  "POST /api/v1/organisations/{org_id}/members/revoke",
  "POST /api/v1/recalls",
  "POST /api/v1/services",
  "POST /api/v1/services/{service}/approve",
  "POST /api/v1/sign",
  "POST /api/v1/sign/audit/{signature_id}/usage",
  "POST /api/v1/sign/{type}",
  "POST /api/v1/signers",
  "POST /api/v1/signers/{signer_key_id}/retire",
  "POST /api/v1/tsa/bulk-timestamp",
  "POST /api/v1/tsa/sign-and-timestamp",
  "POST /api/v1/tsa/timestamp",
  "POST /api/v1/tsa/vcc/clara/model",
  "POST /api/v1/tsa/vcc/covina/workflow",
  "POST /api/v1/tsa/vcc/veritas/pipeline",
  "POST /api/v1/tsa/verify",
  "POST /api/v1/vcc/communication/check",
  "POST /api/v1/vcc/grants",
  "POST /api/v1/verify",
  "POST /api/v1/verify/signature",
  "POST /api/v1/verify/{type}",
  "POST /api/v1/webhooks",
  "POST /api/v1/webhooks/{webhook_id}/replay",
  "POST /api/v1/webhooks/{webhook_id}/rotate",
  "PUT /api/v1/services/{service}",
  "PUT /api/v1/vcc/matrix",
];

it("has a page that loads under its own content security policy", async () => {
  const page = await suite.knock({ path: "/api/docs/" });
  const policy = String(page.headers["content-security-policy"]);
  expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(policy).toContain("script-src 'self';");
  // Nothing of the page is inline or comes from elsewhere, so 'self' is enough.
  const sources = [...page.text.matchAll(/<(?:script|link|img)\b[^>]*?(?:src|href)="([^"]*)"/g)].map(
    ([, source = ""]) => source,
  );
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(source).not.toMatch(/^(?:[a-z]+:)?\/\//);
    const loaded = await suite.knock({ path: new URL(source, "https://x/api/docs/").pathname });
    expect(loaded.status, source).toBe(200);
  }
  expect(page.text).not.toMatch(/<script(?![^>]*src=)[^>]*>[^<]/);
  const initializer = await suite.knock({ path: "/api/docs/static/swagger-initializer.js" });
  expect(initializer.text).toContain("/api/openapi.json");
});

it("is no more open than the rest", async () => {
  for (const path of ["/api/docs/", "/api/docs/static/swagger-initializer.js", "/api/openapi.json", "/api/v1/health"]) {
    const refused = await suite.knock({ path, as: undefined });
    expect([refused.status, refused.json().code]).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  }
});

it("says which routes are open to who has no certificate, and those are", async () => {
  const { paths } = (await suite.knock({ path: "/api/openapi.json" })).json() as {
    paths: Record<string, Record<string, { security?: unknown[] }>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({ path, method: method.toUpperCase(), security })),
  );
  const open = operations.filter(({ security }) => security?.length === 0);
  expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    "GET /api/v1/trust/bundle",
    "POST /api/v1/enrol",
    "POST /api/v1/enrol/requests",
    "POST /api/v1/enrol/requests/{request_id}/claim",
  ]);
  for (const { method, path } of operations) {
    const { status } = await suite.knock({ path: path.replace(/\{[^}]+\}/g, "aa"), method, as: undefined });
    expect([method, path, status === 401]).toEqual([
      method,
      path,
      !open.some((each) => each.method === method && each.path === path),
    ]);
  }
});
