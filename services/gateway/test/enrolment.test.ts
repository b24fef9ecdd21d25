import { randomUUID, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CreatedToken, EnrolledIdentity, EnrolmentRequest } from "../src/api/enrolment.ts";
import { type DiscoveryDoor, newDiscoveryDoor } from "./discovery-door.ts";
import { followEvents } from "./follow.ts";
import { type Knocker, refused } from "./https.ts";
import { newIdentityRequest } from "./requests.ts";

let door: DiscoveryDoor;
let service = "";
let count = 0;
beforeAll(async () => {
  door = await newDiscoveryDoor();
});
beforeEach(() => {
  service = `clara-${++count}`;
});
afterAll(() => door.close());

const TOKENS = "/api/v1/enrolment/tokens";
const createToken = async (fields: object = {}) =>
  (
    await door.knock({ path: TOKENS, body: { service, dns_names: [`${service}.vcc.internal`], ...fields } })
  ).json() as CreatedToken;
/** Without client certificate. */
const open = (path: string, body: object) => door.knock({ path, body, as: undefined });
const enrolment = (token: string, csr: string, requestId = randomUUID()) => ({
  ...{ attestation: { kind: "token", token }, csr, request_id: requestId },
});
/** A service with its key and certificate, as an agent has them. */
async function enrol(): Promise<Knocker & { readonly identity: EnrolledIdentity }> {
  const { csr, keyPem } = newIdentityRequest(service);
  const answer = await open("/api/v1/enrol", enrolment((await createToken()).token, csr));
  const identity = answer.json() as EnrolledIdentity;
  expect(answer.status, answer.text).toBe(200);
  return { keyPem, chainPem: identity.chain_pem, identity };
}

describe("a service without certificate", () => {
  it("gets the roots, which it holds against a fingerprint, and does not load them twice", async () => {
    const bundle = await door.knock({ path: "/api/v1/trust/bundle", as: undefined });
    const root = new X509Certificate(bundle.text);
    expect([bundle.status, root.checkIssued(root)]).toEqual([200, true]);
    const headers = { "if-none-match": String(bundle.headers.etag) };
    expect((await door.knock({ path: "/api/v1/trust/bundle", as: undefined, headers })).status).toBe(304);
  });

  it("enrols with a token and is who it says from then on", async () => {
    const { csr, keyPem } = newIdentityRequest(service);
    const { token, ...told } = await createToken({ network: "0.0.0.0/0", valid_for_seconds: 60 });
    expect(told).toMatchObject({ service, status: "unused", network: "0.0.0.0/0", profile: "mtls_service" });
    const body = enrolment(token, csr);
    const answer = await open("/api/v1/enrol", body);
    const identity = answer.json() as EnrolledIdentity;
    expect([answer.status, answer.headers["cache-control"]]).toEqual([200, "no-store"]);
    expect(identity).toMatchObject({ organisation: "brandenburg", service, profile: "mtls_service" });
    expect(identity.spiffe_id).toBe(`spiffe://vcc.internal/org/brandenburg/service/${service}`);
    const [life, until] = [identity.not_after, identity.renew_at].map(
      (each) => new Date(each).getTime() - new Date(identity.not_before).getTime(),
    );
    expect((until ?? 0) / (life ?? 1)).toBeCloseTo(2 / 3);
    const [leaf, root] = [new X509Certificate(identity.chain_pem), new X509Certificate(identity.bundle_pem)];
    expect([leaf.serialNumber.toLowerCase(), root.checkIssued(root)]).toEqual([identity.serial_number, true]);

    expect((await open("/api/v1/enrol", body)).json()).toEqual(identity);
    const as = { keyPem, chainPem: identity.chain_pem };
    expect((await door.knock({ path: "/api/v1/agent/report", body: { events: [] }, as })).status).toBe(204);
    const { tokens } = (await door.knock({ path: `${TOKENS}?service=${service}` })).json() as { tokens: object[] };
    expect(tokens).toMatchObject([{ status: "used" }]);
    expect(JSON.stringify(tokens)).not.toContain(token);
  });

  it("asks without token, and claims what an administrator has approved", async () => {
    const { csr, spkiSha256 } = newIdentityRequest(service);
    const asked = await open("/api/v1/enrol/requests", { organisation: "brandenburg", service, csr });
    const { request_id: id, secret } = asked.json() as { request_id: string; secret: string };
    expect(asked.status).toBe(202);
    const claim = () => open(`/api/v1/enrol/requests/${id}/claim`, { secret });
    expect([(await claim()).status, (await claim()).json()]).toEqual([202, { request_id: id, status: "pending" }]);

    const shown = (await door.knock({ path: `/api/v1/enrolment/requests/${id}` })).json() as EnrolmentRequest;
    expect(shown).toMatchObject({ service, spki_sha256: spkiSha256, status: "pending" });
    const decided = await door.knock({
      path: `/api/v1/enrolment/requests/${id}/decide`,
      body: { decision: "approve" },
    });
    expect(decided.json()).toMatchObject({ status: "approved", profile: "mtls_service" });
    const claimed = await claim();
    expect([claimed.status, (claimed.json() as EnrolledIdentity).service]).toEqual([200, service]);
    expect((await claim()).json()).toEqual(claimed.json());
    const path = "/api/v1/enrolment/requests?status=claimed";
    const { requests } = (await door.knock({ path })).json() as { requests: EnrolmentRequest[] };
    expect(requests.map(({ request_id }) => request_id)).toContain(id);
  });

  it("that is refused gets nothing", async () => {
    const { csr } = newIdentityRequest(service);
    const asked = await open("/api/v1/enrol/requests", { organisation: "brandenburg", service, csr });
    const { request_id: id, secret } = asked.json() as { request_id: string; secret: string };
    await door.knock({ path: `/api/v1/enrolment/requests/${id}/decide`, body: { decision: "refuse" } });
    const claim = open(`/api/v1/enrol/requests/${id}/claim`, { secret });
    expect(await refused(claim)).toEqual([403, "ENROLMENT_REFUSED"]);
  });

  it.each<[string, (token: string, csr: string) => object, number, string]>([
    ["no token", (_, csr) => ({ csr, request_id: "a" }), 400, "REQUEST_MALFORMED"],
    [
      "a token of nobody",
      (_, csr) => enrolment(`vcc-enrol-1.${"A".repeat(16)}.${"A".repeat(43)}`, csr),
      403,
      "ENROLMENT_TOKEN_INVALID",
    ],
    ["no request", (token) => enrolment(token, "MAA="), 400, "CSR_MALFORMED"],
    ["no base64", (token) => enrolment(token, "%%%"), 400, "CSR_MALFORMED"],
    [
      "another service's request",
      (token) => enrolment(token, newIdentityRequest("argus").csr),
      403,
      "NAME_NOT_ALLOWED",
    ],
    ["no request id", (token, csr) => ({ ...enrolment(token, csr), request_id: "" }), 400, "REQUEST_MALFORMED"],
    [
      "an attestation that nobody knows",
      (token, csr) => ({ ...enrolment(token, csr), attestation: { kind: "word", token } }),
      400,
      "REQUEST_MALFORMED",
    ],
    [
      "more than is asked for",
      (token, csr) => ({ ...enrolment(token, csr), organisation: "bayern" }),
      400,
      "REQUEST_MALFORMED",
    ],
    ["too much", (token, csr) => enrolment(token, csr + "A".repeat(300_000)), 413, "REQUEST_TOO_LARGE"],
    [
      "another cluster's word",
      (token, csr) => ({ ...enrolment(token, csr), attestation: { kind: "kubernetes", token: "a.b.c" } }),
      403,
      "ENROLMENT_REFUSED",
    ],
  ])("is refused with %s", async (_, make, status, code) => {
    const { token } = await createToken();
    const { csr } = newIdentityRequest(service);
    expect(await refused(open("/api/v1/enrol", make(token, csr)))).toEqual([status, code]);
    expect((await open("/api/v1/enrol", enrolment(token, csr))).status).toBe(200);
  });

  it("is refused with a token that is revoked", async () => {
    const { token, token_id } = await createToken();
    const revoked = await door.knock({ path: `${TOKENS}/${token_id}`, method: "DELETE" });
    expect(revoked.json()).toMatchObject({ token_id, status: "revoked" });
    const { csr } = newIdentityRequest(service);
    expect(await refused(open("/api/v1/enrol", enrolment(token, csr)))).toEqual([403, "ENROLMENT_TOKEN_INVALID"]);
  });
});

describe("an agent", () => {
  const renew = (as: Knocker | undefined, csr: string, requestId = randomUUID()) =>
    door.knock({ path: "/api/v1/agent/renew", body: { csr, request_id: requestId }, as });

  it("renews what it holds, with a new key, once for each request", async () => {
    const agent = await enrol();
    const { csr, keyPem } = newIdentityRequest(service);
    const requestId = randomUUID();
    const renewed = (await renew(agent, csr, requestId)).json() as EnrolledIdentity;
    expect(renewed).toMatchObject({ service, spiffe_id: agent.identity.spiffe_id, profile: "mtls_service" });
    expect(renewed.serial_number).not.toBe(agent.identity.serial_number);
    expect((await renew(agent, csr, requestId)).json()).toEqual(renewed);
    const as = { keyPem, chainPem: renewed.chain_pem };
    expect((await door.knock({ path: "/api/v1/agent/report", body: { events: [] }, as })).status).toBe(204);
    await expect
      .poll(async () => (await door.knock({ path: `/api/v1/services/${service}` })).json().certificate)
      .toMatchObject({ cert_id: renewed.certificate_id });
  });

  it("renews nothing else", async () => {
    const agent = await enrol();
    const other = newIdentityRequest("argus").csr;
    expect(await refused(renew(agent, other))).toEqual([403, "NAME_NOT_ALLOWED"]);
    const { csr } = newIdentityRequest(service);
    expect(await refused(renew(undefined, csr))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
    expect(await refused(renew(door.admin, csr))).toEqual([403, "CALLER_NOT_ALLOWED"]);
    await door.knock({ path: `/api/v1/services/${service}`, method: "DELETE" });
    door.discovery.clock.advance(6_000); // what the door remembers of the ca's answers
    expect(await refused(renew(agent, csr))).toEqual([401, "CALLER_REVOKED"]);
  });

  it("is told over its stream what to do, does it, and resumes where it was", async () => {
    const agent = await enrol();
    const guest = `${service}-guest`;
    const stream = followEvents(door, agent, "/api/v1/agent/watch");
    await stream.until("event: bundle");
    const body = { service: guest, dns_names: [`${guest}.vcc.internal`], managed_by: service };
    await door.knock({ path: "/api/v1/services", body });
    await door.knock({ path: `/api/v1/services/${guest}/approve`, method: "POST" });
    const received = await stream.until("event: renew");
    expect(received).toContain(`data: ${JSON.stringify({ service: guest, reason: "no-certificate" })}`);
    const [id = ""] = received.match(/(?<=id: )\d+\.\d+(?=\nevent: renew)/) ?? [];
    stream.hangUp();

    const { csr } = newIdentityRequest(guest);
    const provision = { service: guest, csr, request_id: randomUUID() };
    const provisioned = await door.knock({ path: "/api/v1/agent/provision", body: provision, as: agent });
    const { serial_number } = provisioned.json() as EnrolledIdentity;
    expect(provisioned.status).toBe(200);
    const events = [{ kind: "served", service: guest, serial_number, at: new Date().toISOString() }];
    expect((await door.knock({ path: "/api/v1/agent/report", body: { events }, as: agent })).status).toBe(204);
    expect((await door.knock({ path: `/api/v1/services/${guest}` })).json()).toMatchObject({
      ...{ status: "active", certificate: { served_at: door.discovery.clock.now().toISOString() } },
    });

    const path = "/api/v1/agent/watch";
    const bad = door.knock({ path, as: agent, headers: { "last-event-id": "x" } });
    expect(await refused(bad)).toEqual([400, "REQUEST_MALFORMED"]);
    const [, anchors] = id.split(".");
    const again = followEvents(door, agent, path, { "last-event-id": `0.${anchors}` });
    await again.until(": alive");
    expect(again.received()).not.toContain("event:");
    again.hangUp();
  });

  it.each<[string, object]>([
    ["a kind that is none", { kind: "slept" }],
    ["a serial number that is none", { kind: "served", serial_number: "xyz" }],
    ["a time that is none", { kind: "served", at: "now" }],
    ["a field that nobody knows", { kind: "served", colour: "blue" }],
  ])("is refused a report with %s", async (_, fields) => {
    const events = [{ at: new Date().toISOString(), ...fields }];
    const report = door.knock({ path: "/api/v1/agent/report", body: { events }, as: door.argus });
    expect(await refused(report)).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("is no person and no stranger", async () => {
    const body = { service, csr: newIdentityRequest(service).csr, request_id: "a" };
    for (const [as, expected] of [
      [undefined, [401, "CALLER_UNAUTHENTICATED"]],
      [door.admin, [403, "CALLER_NOT_ALLOWED"]],
    ] as const) {
      expect(await refused(door.knock({ path: "/api/v1/agent/watch", as }))).toEqual(expected);
      expect(await refused(door.knock({ path: "/api/v1/agent/report", body: { events: [] }, as }))).toEqual(expected);
      expect(await refused(door.knock({ path: "/api/v1/agent/provision", body, as }))).toEqual(expected);
    }
    const provision = door.knock({ path: "/api/v1/agent/provision", body, as: door.argus });
    expect(await refused(provision)).toEqual([404, "NOT_FOUND"]);
  });
});

describe("tokens and requests", () => {
  it("are administrators' to make and to decide, of their own organisation", async () => {
    const paths = [
      ...[{ path: TOKENS, body: { service } }, { path: TOKENS }, { path: `${TOKENS}/x`, method: "DELETE" }],
      ...[{ path: "/api/v1/enrolment/requests" }, { path: "/api/v1/enrolment/requests/x" }],
      { path: "/api/v1/enrolment/requests/x/decide", body: { decision: "approve" } },
    ];
    for (const asked of paths) {
      expect(await refused(door.knock({ ...asked, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
      expect(await refused(door.knock({ ...asked, as: door.argus }))).toEqual([403, "CALLER_NOT_ALLOWED"]);
      const path = `${asked.path}?organisation=brandenburg`;
      expect(await refused(door.knock({ ...asked, path, as: door.stranger }))).toEqual([404, "NOT_FOUND"]);
    }
  });

  it.each<[string, object, number, string]>([
    ["a name of somebody else's", { dns_names: ["a.bayern.example"] }, 403, "NAME_NOT_ALLOWED"],
    ["a network that is none", { network: "everywhere" }, 400, "REQUEST_MALFORMED"],
    ["too long a life", { valid_for_seconds: 86_401 }, 400, "REQUEST_MALFORMED"],
    ["a digest that is none", { spki_sha256: "abc" }, 400, "REQUEST_MALFORMED"],
    ["a profile of people", { profile: "admin" }, 403, "PROFILE_NOT_ALLOWED"],
  ])("a token with %s is refused", async (_, fields, status, code) => {
    const body = { service, ...fields };
    expect(await refused(door.knock({ path: TOKENS, body }))).toEqual([status, code]);
  });

  it("cannot be had while discovery is away", async () => {
    const { csr } = newIdentityRequest(service);
    const body = enrolment("x", csr);
    const asked = door.knockWithoutDiscovery({ path: "/api/v1/enrol", body, as: undefined });
    expect(await refused(asked)).toEqual([503, "PEER_UNAVAILABLE"]);
  });
});
