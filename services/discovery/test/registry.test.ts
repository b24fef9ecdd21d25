import { randomUUID } from "node:crypto";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { type RegisterServiceRequest, type Service, ServiceState } from "@vcc-pki/proto/discovery";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery, OPERATOR, STRANGER } from "./harness.ts";

let harness: DiscoveryHarness;
let count = 0;
beforeAll(async () => {
  harness = await newDiscovery();
});
afterEach(() => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
  harness.away.clear();
});
afterAll(() => harness.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const newName = () => `covina-${++count}`;
const said = (fields: Partial<Service> = {}): Service => ({
  ...{ organisation: "", service: newName(), type: "covina", description: "Documents", owner: "team-covina" },
  ...{ endpoints: ["https://covina.vcc.internal:45678"], healthUrl: "https://covina.vcc.internal:45678/health" },
  ...{ healthDialect: "", dnsNames: ["Covina.vcc.internal"], ipAddresses: ["10.1.0.5"], profile: "" },
  ...{ dependsOn: ["clara"], managedBy: "", state: ServiceState.UNSPECIFIED, stateReason: "", source: "" },
  ...{ certificate: undefined, approvedBy: "", approvedAt: undefined, registeredAt: undefined, changedAt: undefined },
  ...{ seenAt: undefined, version: 0 },
  ...fields,
});
const registration = (fields: Partial<Service> = {}): RegisterServiceRequest => ({
  requestId: randomUUID(),
  service: said(fields),
});
const register = (fields: Partial<Service> = {}, requester = ADMIN) =>
  harness.as(requester).registry.register(registration(fields));
const named = (service: string, organisation = "") => ({ requestId: randomUUID(), organisation, service });
const get = (service: string) => harness.as().registry.get(named(service));
const eventsOf = (service: string) =>
  harness.store.outbox
    .pending(10_000)
    .filter(({ data }) => (data as { service?: string }).service === service)
    .map(({ type }) => type.replace(/^pki\.service\.|\.v1$/g, ""));
/** As an administrator asks the ca. */
async function certify(service: string) {
  const csrDer = harness.ca.csr({ uri: [`spiffe://vcc.internal/org/brandenburg/service/${service}`] });
  const { certificate } = await harness.ca.issue({ csrDer });
  return certificate?.certificateId ?? "";
}
const state = async (service: string) => (await get(service)).state;

describe("a service", () => {
  it("is registered, approved, certified, lost, and removed, each step on record and told", async () => {
    const { service, ...registered } = await register();
    expect(registered).toMatchObject({
      ...{ organisation: "brandenburg", state: ServiceState.PENDING_APPROVAL, source: "administrator", version: 1 },
      ...{ dnsNames: ["covina.vcc.internal"], healthDialect: "auto", profile: "mtls_service", approvedBy: "" },
    });
    const approved = await harness.as(OPERATOR).registry.approve(named(service, "brandenburg"));
    expect(approved).toMatchObject({ state: ServiceState.PENDING_CERT, approvedBy: OPERATOR });

    const certificateId = await certify(service);
    await expect.poll(() => state(service)).toBe(ServiceState.ACTIVE);
    expect((await get(service)).certificate).toMatchObject({ certificateId, profile: "mtls_service" });
    await harness.ca.as().certificates.revoke({
      ...{ requestId: randomUUID(), organisation: "brandenburg", certificateId, invalidityDate: undefined },
      reason: RevocationReason.SUPERSEDED,
    });
    await expect.poll(() => state(service)).toBe(ServiceState.PENDING_CERT);
    await certify(service);
    await expect.poll(() => state(service)).toBe(ServiceState.ACTIVE);
    await harness.as().registry.remove(named(service));

    expect(eventsOf(service)).toEqual([
      ...["registered", "approved", "certified", "active", "lapsed", "certified", "active", "removed"],
    ]);
    const { changes } = await harness.as().registry.getHistory(named(service));
    expect(changes.map(({ change }) => change)).toEqual([
      ...["removed", "certified", "lapsed", "certified", "approved", "registered"],
    ]);
    expect(changes.at(-2)).toMatchObject({ actor: OPERATOR, fromState: ServiceState.PENDING_APPROVAL });
  });

  it("has no certificate any more when it has expired", async () => {
    const { service } = await register();
    await harness.as().registry.approve(named(service));
    await certify(service);
    await expect.poll(() => state(service)).toBe(ServiceState.ACTIVE);
    harness.clock.advance(91 * 86_400_000);
    await harness.discovery.runChores();
    expect(await state(service)).toBe(ServiceState.PENDING_CERT);
  });

  it("that has a valid certificate is active once it is approved", async () => {
    const { service } = await register();
    await certify(service);
    await expect.poll(async () => (await get(service)).certificate).toBeDefined();
    expect(await state(service)).toBe(ServiceState.PENDING_APPROVAL);
    expect((await harness.as().registry.approve(named(service))).state).toBe(ServiceState.ACTIVE);
  });

  it("that was removed is revived by registering it anew, without its approval", async () => {
    const { service } = await register();
    await harness.as().registry.approve(named(service));
    await harness.as().registry.remove(named(service));
    expect((await get(service)).approvedBy).toBe("");
    const again = await register({ service, type: "clara" });
    expect(again).toMatchObject({ state: ServiceState.PENDING_APPROVAL, type: "clara", version: 2, approvedBy: "" });
  });

  it("is changed as a whole, by who knows what it was", async () => {
    const first = await register();
    const change = (version: number, owner: string) =>
      harness.as().registry.update({ requestId: randomUUID(), service: said({ ...first, owner }), version });
    expect(await change(1, "b")).toMatchObject({ owner: "b", version: 2 });
    await expect(change(1, "c")).rejects.toThrow(code("VERSION_CONFLICT"));
    expect(await change(0, "d")).toMatchObject({ owner: "d", version: 3 });
  });

  it("is registered once", async () => {
    const request = registration();
    const service = request.service?.service ?? "";
    const once = await harness.as().registry.register(request);
    expect(await harness.as().registry.register(request)).toEqual(once);
    await expect(register({ service })).rejects.toThrow(code("ALREADY_EXISTS"));
    await expect(
      harness.as().registry.register({ ...request, service: said({ service, owner: "x" }) }),
    ).rejects.toThrow(code("REQUEST_ID_REUSED"));
  });
});

describe("a list of services", () => {
  it("comes in pages, by state and type, of one organisation", async () => {
    const names = [(await register({ type: "paged" })).service, (await register({ type: "paged" })).service];
    const page = { organisation: "brandenburg", state: ServiceState.UNSPECIFIED, type: "paged", pageSize: 1 };
    const first = await harness.as().registry.list({ ...page, pageToken: "" });
    const second = await harness.as().registry.list({ ...page, pageToken: first.nextPageToken });
    expect([...first.services, ...second.services].map(({ service }) => service)).toEqual(names.sort());
    expect(second.nextPageToken).toBe("");
    const active = await harness.as().registry.list({ ...page, state: ServiceState.ACTIVE, pageToken: "" });
    expect(active.services).toEqual([]);
    const own = await harness.as(STRANGER).registry.list({ ...page, organisation: "", pageToken: "" });
    expect(own.services).toEqual([]);
  });
});

describe("the registry is closed to", () => {
  const attempts: [string, (service: string) => Promise<unknown>, string][] = [
    ["a workload", (service) => harness.as(CLARA).registry.get(named(service)), "CALLER_NOT_ALLOWED"],
    ["a stranger at home", (service) => harness.as(STRANGER).registry.get(named(service)), "NOT_FOUND"],
    [
      "a stranger who names the organisation",
      (service) => harness.as(STRANGER).registry.approve(named(service, "brandenburg")),
      "NOT_FOUND",
    ],
    [
      "who is not the gateway",
      (service) => harness.as(ADMIN, "tsa").registry.get(named(service)),
      "CALLER_NOT_ALLOWED",
    ],
    [
      "an administrator's own call",
      (service) => harness.as("", ADMIN).registry.get(named(service)),
      "CALLER_NOT_ALLOWED",
    ],
  ];
  it.each(attempts)("%s", async (_, attempt, expected) => {
    const { service } = await register();
    await expect(attempt(service)).rejects.toThrow(code(expected));
    expect(await state(service)).toBe(ServiceState.PENDING_APPROVAL);
  });

  it("a member of elsewhere, while the ca cannot say who is one", async () => {
    harness.away.add("ca");
    await expect(register({ organisation: "brandenburg" }, OPERATOR)).rejects.toThrow(code("PEER_UNAVAILABLE"));
    await register();
  });
});

describe("a registration is refused with", () => {
  it.each<[string, Partial<Service>, string]>([
    ["a name that is none", { service: "../admin/eve" }, "REQUEST_MALFORMED"],
    ["no name", { service: "" }, "REQUEST_MALFORMED"],
    ["an endpoint that is none", { endpoints: ["covina:1"] }, "REQUEST_MALFORMED"],
    ["a password in an endpoint", { endpoints: ["https://a:b@covina.vcc.internal"] }, "REQUEST_MALFORMED"],
    ["a file as health check", { healthUrl: "file:///etc/passwd" }, "REQUEST_MALFORMED"],
    ["too many endpoints", { endpoints: Array(21).fill("https://a.vcc.internal") }, "REQUEST_MALFORMED"],
    ["a long description", { description: "x".repeat(501) }, "REQUEST_MALFORMED"],
    ["a control character", { owner: "a\u0000b" }, "REQUEST_MALFORMED"],
    ["a wildcard", { dnsNames: ["*.vcc.internal"] }, "REQUEST_MALFORMED"],
    ["a name twice", { dnsNames: ["a.vcc.internal", "A.vcc.internal"] }, "REQUEST_MALFORMED"],
    ["an address that is none", { ipAddresses: ["10.1"] }, "REQUEST_MALFORMED"],
    ["a profile of people", { profile: "admin" }, "PROFILE_NOT_ALLOWED"],
  ])("%s", async (_, fields, expected) => {
    await expect(register(fields)).rejects.toThrow(code(expected));
  });

  it("itself as what it needs, and no request id", async () => {
    const service = newName();
    await expect(register({ service, managedBy: service })).rejects.toThrow(code("REQUEST_MALFORMED"));
    const request = { ...registration(), requestId: "" };
    await expect(harness.as().registry.register(request)).rejects.toThrow(code("REQUEST_MALFORMED"));
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s,", (kind) => {
  it.each(["register", "approve", "remove"] as const)("of %s: the repeat does it once", async (method) => {
    const request = registration();
    const service = request.service?.service ?? "";
    const asked = named(service);
    const { registry } = harness.as();
    if (method !== "register") await registry.register(request);
    const repeat = () =>
      method === "register" ? harness.as().registry.register(request) : harness.as().registry[method](asked);
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(repeat()).rejects.toThrow(code("STORE_UNAVAILABLE"));
    delete harness.storeFaults[kind];
    await harness.restart();
    const done = await repeat();
    expect(await repeat()).toEqual(done);
    const { changes } = await harness.as().registry.getHistory(asked);
    expect(changes).toHaveLength(method === "register" ? 1 : 2);
    expect(eventsOf(service)).toHaveLength(changes.length);
  });
});
