import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EnrolledIdentity } from "../src/api/enrolment.ts";
import type { DependencyList, Service } from "../src/api/services.ts";
import { type DiscoveryDoor, newDiscoveryDoor } from "./discovery-door.ts";
import { refused } from "./https.ts";
import { newIdentityRequest } from "./requests.ts";

let door: DiscoveryDoor;
let service = "";
let count = 0;
beforeAll(async () => {
  door = await newDiscoveryDoor();
});
beforeEach(() => {
  service = `covina-${++count}`;
});
afterAll(() => door.close());

const SERVICES = "/api/v1/services";
const registration = (fields: object = {}) => ({
  ...{ service, type: "covina", owner: "team-covina", endpoints: ["https://covina.vcc.internal:45678"] },
  ...{ dns_names: [`${service}.vcc.internal`], ...fields },
});
const register = (fields: object = {}) => door.knock({ path: SERVICES, body: registration(fields) });
const post = (path: string, more: object = {}) => door.knock({ path: `${SERVICES}/${path}`, method: "POST", ...more });
const get = async () => (await door.knock({ path: `${SERVICES}/${service}` })).json() as Service;
const grants = async () =>
  (await door.discovery.ca.as("gateway").grants.list({ organisation: "brandenburg", service })).grants;

describe("services", () => {
  it("are registered, approved with a grant at the ca, and removed with all that they had", async () => {
    const made = await register();
    expect([made.status, made.headers.location]).toEqual([201, `${SERVICES}/${service}`]);
    expect(made.json()).toMatchObject({ service, status: "pending_approval", profile: "mtls_service", version: 1 });
    expect(await grants()).toEqual([]);

    const approved = await post(`${service}/approve`);
    expect(approved.json()).toMatchObject({
      ...{ status: "pending_cert", approved_by: "spiffe://vcc.internal/org/brandenburg/admin/anna" },
    });
    expect(await grants()).toMatchObject([{ dnsNames: [`${service}.vcc.internal`], expiresAt: undefined }]);

    const { csr } = newIdentityRequest(service);
    const token = await door.knock({ path: "/api/v1/enrolment/tokens", body: { service } });
    const attestation = { kind: "token", token: token.json().token };
    const body = { attestation, csr, request_id: randomUUID() };
    const enrolled = (await door.knock({ path: "/api/v1/enrol", body, as: undefined })).json() as EnrolledIdentity;
    expect(await get()).toMatchObject({ status: "active", certificate: { cert_id: enrolled.certificate_id } });

    const removed = await door.knock({ path: `${SERVICES}/${service}`, method: "DELETE" });
    expect(removed.json()).toMatchObject({ status: "inactive" });
    expect((await grants()).every(({ withdrawnAt }) => withdrawnAt !== undefined)).toBe(true);
    const certificate = await door.knock({ path: `/api/v1/certs/status/${enrolled.certificate_id}` });
    expect(certificate.json()).toMatchObject({ status: "revoked", revocation_reason: "cessation_of_operation" });

    const history = await door.knock({ path: `${SERVICES}/${service}/history` });
    const { changes } = history.json() as { changes: { change: string }[] };
    expect(changes.map(({ change }) => change)).toContain("removed");
  });

  it("are approved once under one Idempotency-Key, although the answer was lost", async () => {
    await register();
    const headers = { "idempotency-key": randomUUID() };
    const first = await post(`${service}/approve`, { headers });
    expect((await post(`${service}/approve`, { headers })).json()).toEqual(first.json());
    expect(await grants()).toHaveLength(1);
  });

  it("that are approved get a grant for what they are changed to", async () => {
    await register();
    await post(`${service}/approve`);
    const put = (body: object) => door.knock({ path: `${SERVICES}/${service}`, method: "PUT", body });
    const { service: _, ...said } = registration({ dns_names: ["new.vcc.internal"] });
    expect((await put({ ...said, version: 1 })).json()).toMatchObject({ version: 2, dns_names: ["new.vcc.internal"] });
    const inForce = async () => (await grants()).filter(({ withdrawnAt }) => withdrawnAt === undefined);
    expect(await inForce()).toMatchObject([{ dnsNames: ["new.vcc.internal"] }]);
    expect(await refused(put({ ...said, version: 1 }))).toEqual([409, "VERSION_CONFLICT"]);
    expect(await refused(put({ ...said, dns_names: ["a.bayern.example"] }))).toEqual([403, "NAME_NOT_ALLOWED"]);
    expect((await get()).dns_names).toEqual(["new.vcc.internal"]);
  });

  it("are listed in pages, by status and type", async () => {
    await register({ type: "paged" });
    service = `covina-${++count}`;
    await register({ type: "paged" });
    const list = async (query: string) => (await door.knock({ path: `${SERVICES}?type=paged&${query}` })).json();
    const first = await list("page_size=1");
    const second = await list(`page_size=1&page_token=${first.next_page_token}`);
    expect([first.services, second.services].flat()).toHaveLength(2);
    expect(second.next_page_token).toBeUndefined();
    expect((await list("status=active")).services).toEqual([]);
  });

  it("say whom they call, and are seen asking whether they may", async () => {
    await register({ depends_on: ["argus"] });
    const check = { path: "/api/v1/vcc/communication/check", body: { target_service: "argus" }, as: door.argus };
    expect((await door.knock(check)).status).toBe(200);
    await door.discovery.discovery.runChores();
    const { dependencies } = (await door.knock({ path: "/api/v1/dependencies" })).json() as DependencyList;
    const declared = dependencies.find(({ source }) => source === service);
    expect(declared).toMatchObject({ target: "argus", declared: true, allowed_calls: 0, denied_calls: 0 });
    const observed = dependencies.find(({ source }) => source === "argus");
    expect(observed).toMatchObject({ target: "argus", declared: false });
    expect((observed?.allowed_calls ?? 0) + (observed?.denied_calls ?? 0)).toBe(1);
    expect(await refused(door.knock({ path: "/api/v1/dependencies", as: door.argus }))).toEqual([
      403,
      "CALLER_NOT_ALLOWED",
    ]);
  });

  it.each<[string, object, number, string]>([
    ["a name that is none", { service: "../x" }, 400, "REQUEST_MALFORMED"],
    ["a field that nobody knows", { colour: "blue" }, 400, "REQUEST_MALFORMED"],
    ["a state of its own", { status: "active" }, 400, "REQUEST_MALFORMED"],
    ["an endpoint with a password", { endpoints: ["https://a:b@c.vcc.internal"] }, 400, "REQUEST_MALFORMED"],
    ["a profile of people", { profile: "admin" }, 403, "PROFILE_NOT_ALLOWED"],
  ])("with %s are refused", async (_, fields, status, code) => {
    expect(await refused(register(fields))).toEqual([status, code]);
  });

  it("are administrators' to see and to change, of their own organisation", async () => {
    await register();
    const paths = [
      ...[{ path: SERVICES }, { path: SERVICES, body: registration() }, { path: `${SERVICES}/${service}` }],
      ...[{ path: `${SERVICES}/${service}`, method: "DELETE" }, { path: `${SERVICES}/${service}/history` }],
      ...[{ path: `${SERVICES}/${service}`, method: "PUT", body: {} }],
      { path: `${SERVICES}/${service}/approve`, method: "POST" },
    ];
    for (const asked of paths) {
      expect(await refused(door.knock({ ...asked, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
      expect(await refused(door.knock({ ...asked, as: door.argus }))).toEqual([403, "CALLER_NOT_ALLOWED"]);
      const path = `${asked.path}?organisation=brandenburg`;
      expect(await refused(door.knock({ ...asked, path, as: door.stranger }))).toEqual([404, "NOT_FOUND"]);
    }
    expect((await get()).status).toBe("pending_approval");
  });

  it("cannot be asked for while discovery is away", async () => {
    expect(await refused(door.knockWithoutDiscovery({ path: SERVICES }))).toEqual([503, "PEER_UNAVAILABLE"]);
  });
});
