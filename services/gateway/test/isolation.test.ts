import { generateTestKey } from "@vcc-pki/testkit/hierarchy";
import { createCertificationRequest } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Knock, Knocker } from "./https.ts";
import { newSuite, type Suite } from "./suite.ts";

let suite: Suite;
/** Administrators of two organisations, neither of which has anything to do with the other. */
let bayern: Knocker;
let brandenburg: Knocker;
let theirs: { certId: string; serial: string; approvalId: string };

const csr = (dns: string) => {
  const subjectAltNames = { dns: [dns] };
  return Buffer.from(
    createCertificationRequest({ privateKey: generateTestKey().privateKey, subjectAltNames }),
  ).toString("base64");
};

beforeAll(async () => {
  suite = await newSuite();
  bayern = await suite.person("bayern", "berta");
  brandenburg = await suite.person("brandenburg", "bruno");
  const request = { profile: "mtls_service", csr: csr("secret.vcc.internal") };
  const issued = (await suite.knock({ path: "/api/v1/certs/request", body: request, as: brandenburg })).json();
  const secretCa = {
    ca_id: "secret-ca",
    parent_ca_id: "vcc-root-ca",
    common_name: "Secret CA",
    key_algorithm: "ec-p256",
  };
  const body = { ...secretCa, may_issue_authorities: true };
  const waiting = await suite.knock({ path: "/api/v1/ca/create-issuing-ca", body });
  expect([issued.status, waiting.status]).toEqual(["valid", 202]);
  theirs = {
    certId: String(issued.cert_id),
    serial: String(issued.serial_number),
    approvalId: String(waiting.json().approval_id),
  };
});
afterAll(() => suite.close());

/** What a caller can tell apart: status, code, message. Trace ids differ by nature. */
async function seen(options: Omit<Knock, "port" | "trustPem">) {
  const answer = await suite.knock({ as: bayern, ...options });
  const { trace_id: _, ...problem } = answer.json();
  return { status: answer.status, problem };
}

describe("what belongs to others looks like what does not exist", () => {
  const unknownSerial = "01".repeat(19);
  const pairs: [what: string, (id: "theirs" | "unknown") => Omit<Knock, "port" | "trustPem">][] = [
    ["a certificate by id", (id) => ({ path: `/api/v1/certs/${certOf(id)}` })],
    ["a certificate by serial number", (id) => ({ path: `/api/v1/certs/${serialOf(id)}` })],
    ["its status", (id) => ({ path: `/api/v1/certs/status/${certOf(id)}` })],
    ["its revocation", (id) => ({ path: `/api/v1/certs/revoke/${certOf(id)}`, body: { reason: "superseded" } })],
    ["its release", (id) => ({ path: `/api/v1/certs/release/${certOf(id)}`, method: "POST" })],
    ["an authority", (id) => ({ path: `/api/v1/ca/${caOf(id)}` })],
    ["its certificate", (id) => ({ path: `/api/v1/ca/${caOf(id)}/certificate` })],
    ["its chain", (id) => ({ path: `/api/v1/ca/${caOf(id)}/chain` })],
    ["its revocation", (id) => ({ path: `/api/v1/ca/revoke/${caOf(id)}`, body: { reason: "superseded" } })],
    [
      "it as a parent",
      (id) => ({
        path: "/api/v1/ca/create-issuing-ca",
        body: { ca_id: "mine-ca", parent_ca_id: caOf(id), common_name: "Mine" },
      }),
    ],
    ["an approval", (id) => ({ path: `/api/v1/approvals/${approvalOf(id)}` })],
    [
      "a decision on it",
      (id) => ({
        path: `/api/v1/approvals/${approvalOf(id)}/decisions`,
        body: { custodian_id: "anna", decision: "approve", signature: "AAAA" },
      }),
    ],
    ["an organisation's certificates", (id) => ({ path: `/api/v1/certs/list?organisation=${orgOf(id)}` })],
    ["an organisation's authorities", (id) => ({ path: `/api/v1/ca/list?organisation=${orgOf(id)}` })],
    ["an organisation's events", (id) => ({ path: `/api/v1/events?organisation=${orgOf(id)}` })],
    [
      "a request in its name",
      (id) => ({
        path: `/api/v1/certs/request?organisation=${orgOf(id)}`,
        body: { profile: "mtls_service", csr: csr("x.vcc.internal") },
      }),
    ],
    [
      "a membership of it",
      (id) => ({
        path: `/api/v1/organisations/${orgOf(id)}/members`,
        body: { identity: "spiffe://vcc.internal/org/bayern/admin/berta" },
      }),
    ],
  ];
  const certOf = (id: string) => (id === "theirs" ? theirs.certId : `vcc-services-ca:${unknownSerial}`);
  const serialOf = (id: string) => (id === "theirs" ? theirs.serial : unknownSerial);
  const caOf = (id: string) => (id === "theirs" ? "vcc-platform-ca" : "no-such-ca");
  const approvalOf = (id: string) => (id === "theirs" ? theirs.approvalId : "00000000-0000-4000-8000-000000000000");
  const orgOf = (id: string) => (id === "theirs" ? "brandenburg" : "nowhere");

  it.each(pairs)("%s", async (_what, request) => {
    const foreign = await seen(request("theirs"));
    expect(foreign).toEqual(await seen(request("unknown")));
    expect([foreign.status, foreign.problem.code]).toEqual([404, "NOT_FOUND"]);
  });
});

describe("lists hold one's own", () => {
  it("certificates", async () => {
    const own = await suite.knock({ path: "/api/v1/certs/list", as: brandenburg });
    expect(own.text).toContain(theirs.certId);
    expect((await suite.knock({ path: "/api/v1/certs/list", as: bayern })).text).not.toContain("secret");
  });

  it("organisations", async () => {
    const { organisations } = (await suite.knock({ path: "/api/v1/organisations", as: bayern })).json() as {
      organisations: { org_id: string }[];
    };
    expect(organisations.map(({ org_id }) => org_id)).toEqual(["bayern"]);
  });

  it("approvals, but for the operator and custodians, who see all", async () => {
    const listedTo = async (as: Knocker) => (await suite.knock({ path: "/api/v1/approvals", as })).text;
    expect(await listedTo(bayern)).not.toContain(theirs.approvalId);
    expect(await listedTo(suite.admin)).toContain(theirs.approvalId);
  });
});

it("a member may act, and may not mint an administrator there", async () => {
  const uri = ["spiffe://vcc.internal/org/brandenburg/admin/mallory"];
  const request = createCertificationRequest({ privateKey: generateTestKey().privateKey, subjectAltNames: { uri } });
  const body = { profile: "admin", csr: Buffer.from(request).toString("base64") };
  await suite.ceremony.organisations.grantMembership(
    {
      requestId: "grant-1",
      membership: {
        organisation: "brandenburg",
        identity: "spiffe://vcc.internal/org/bayern/admin/berta",
        expiresAt: undefined,
      },
    },
    { requester: "spiffe://vcc.internal/org/vcc/admin/operator" },
  );
  expect((await suite.knock({ path: "/api/v1/certs/list?organisation=brandenburg", as: bayern })).status).toBe(200);
  const answer = await suite.knock({ path: "/api/v1/certs/request?organisation=brandenburg", body, as: bayern });
  expect([answer.status, answer.json().code]).toEqual([403, "PROFILE_NOT_ALLOWED"]);
});

it("only the operator makes organisations", async () => {
  const answer = await suite.knock({
    path: "/api/v1/organisations",
    body: { org_id: "sachsen", org_name: "Sachsen" },
    as: bayern,
  });
  expect([answer.status, answer.json().code]).toEqual([403, "CALLER_NOT_ALLOWED"]);
});
