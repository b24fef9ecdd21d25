import { randomUUID } from "node:crypto";
import type { GrantServiceRequest } from "@vcc-pki/proto/ca";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa } from "./harness.ts";

const ANNA = "spiffe://vcc.internal/org/brandenburg/admin/anna";
const STRANGER = "spiffe://vcc.internal/org/bayern/admin/zenzi";
const DISCOVERY = "spiffe://vcc.internal/pki/discovery";

let suite: CaHarness;
let service = "";
let services = 0;
beforeAll(async () => {
  suite = await newCa();
});
afterEach(() => {
  delete suite.storeFaults.beforeCommit;
  delete suite.storeFaults.afterCommit;
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const wish = (fields: Partial<GrantServiceRequest> = {}): GrantServiceRequest => ({
  ...{ requestId: randomUUID(), organisation: "brandenburg", service, profile: "mtls_service" },
  ...{ dnsNames: [`${service}.vcc.internal`], ipAddresses: ["10.1.2.3"], expiresAt: undefined },
  ...fields,
});
const grant = (fields: Partial<GrantServiceRequest> = {}, requester = ANNA) =>
  suite.as("gateway", requester).grants.grant(wish(fields));
const withdraw = (fields: object = {}) =>
  suite.as("gateway", ANNA).grants.withdraw({
    ...{ requestId: randomUUID(), organisation: "brandenburg", service, grantId: "" },
    ...fields,
  });
const list = () => suite.as("gateway", ANNA).grants.list({ organisation: "", service });
const uriOf = (name: string) => `spiffe://vcc.internal/org/brandenburg/service/${name}`;
/** What the discovery service asks for. */
const enrol = (fields: object = {}, names = { uri: [uriOf(service)], dns: [`${service}.vcc.internal`] }) =>
  suite.as("discovery").certificates.issue({
    ...{ requestId: randomUUID(), organisation: "brandenburg", profile: "mtls_service", csrDer: suite.csr(names) },
    ...{ authorityId: "", validitySeconds: 0, ...fields },
  });

describe("a service grant", () => {
  it("lets the discovery service obtain that service's certificate, which the service renews by itself", async () => {
    service = `argus-${++services}`;
    const granted = await grant();
    expect(granted).toMatchObject({ service, grantedBy: ANNA, withdrawnAt: undefined });
    const { certificate } = await enrol();
    expect(certificate).toMatchObject({ organisation: "brandenburg", uris: [uriOf(service)], requester: DISCOVERY });

    const csrDer = suite.csr({ uri: [uriOf(service)], dns: [`${service}.vcc.internal`] });
    const renewal = { organisation: "", profile: "mtls_service", csrDer, authorityId: "", validitySeconds: 0 };
    const renewed = await suite
      .as("gateway", uriOf(service))
      .certificates.issue({ requestId: randomUUID(), ...renewal });
    expect(renewed.certificate?.uris).toEqual([uriOf(service)]);
  });

  it("is not there until an administrator has made it, and not any more when it is withdrawn or over", async () => {
    service = `argus-${++services}`;
    await expect(enrol()).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    const { grantId } = await grant();
    await enrol();
    expect((await withdraw({ grantId })).grants).toMatchObject([{ grantId, withdrawnAt: suite.clock.now() }]);
    await expect(enrol()).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await grant({ expiresAt: new Date(suite.clock.now().getTime() + 60_000) });
    await enrol();
    suite.clock.advance(60_000);
    await expect(enrol()).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    expect((await list()).grants).toHaveLength(2);
  });

  it("gives the discovery service nothing else", async () => {
    service = `argus-${++services}`;
    await grant();
    const other = { uri: [uriOf("clara")], dns: ["clara.vcc.internal"] };
    await expect(enrol({}, other)).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(enrol({ profile: "mtls_service_short" })).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(enrol({ profile: "platform" })).rejects.toThrow(code("PROFILE_NOT_ALLOWED"));
    await expect(enrol({ organisation: "vcc" })).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(enrol({ organisation: "hessen" })).rejects.toThrow(code("NOT_FOUND"));
    const admin = { uri: ["spiffe://vcc.internal/org/brandenburg/admin/eve"], dns: [] };
    await expect(enrol({ profile: "admin" }, admin)).rejects.toThrow(code("PROFILE_NOT_ALLOWED"));
    await expect(suite.as("tsa").certificates.issue({ ...(await request()) })).rejects.toThrow(code("NOT_FOUND"));
  });

  const request = async () => ({
    ...{ requestId: randomUUID(), organisation: "brandenburg", profile: "mtls_service", authorityId: "" },
    ...{ validitySeconds: 0, csrDer: suite.csr({ uri: [uriOf(service)] }) },
  });

  it.each<[string, Partial<GrantServiceRequest>, string]>([
    ["a name of somebody else's", { dnsNames: ["argus.berlin.example"] }, "NAME_NOT_ALLOWED"],
    ["a name that is none", { dnsNames: ["argus..vcc.internal"] }, "NAME_MALFORMED"],
    ["an address of somebody else's", { ipAddresses: ["10.2.0.1"] }, "NAME_NOT_ALLOWED"],
    ["a service that is none", { service: "../admin/eve" }, "NAME_NOT_ALLOWED"],
    ["a profile that is not for services", { profile: "admin" }, "PROFILE_NOT_ALLOWED"],
    ["a profile that does not exist", { profile: "none" }, "PROFILE_UNKNOWN"],
    ["an end that has passed", { expiresAt: new Date(0) }, "REQUEST_MALFORMED"],
    ["another organisation", { organisation: "bayern" }, "NOT_FOUND"],
    ["no request id", { requestId: "" }, "REQUEST_MALFORMED"],
  ])("is refused with %s", async (_, fields, expected) => {
    service = `argus-${++services}`;
    await expect(grant(fields)).rejects.toThrow(code(expected));
    expect((await list()).grants).toEqual([]);
  });

  it("is an administrator's to make, through the gateway", async () => {
    service = `argus-${++services}`;
    await expect(grant({}, STRANGER)).rejects.toThrow(code("NOT_FOUND"));
    await expect(grant({}, uriOf("argus"))).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    for (const caller of ["discovery", "ceremony", uriOf("argus"), ANNA]) {
      const { grants } = suite.as(caller);
      await expect(grants.grant(wish())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
      await expect(grants.list({ organisation: "brandenburg", service })).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    }
    await expect(withdraw({ grantId: randomUUID() })).rejects.toThrow(code("NOT_FOUND"));
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s,", (kind) => {
  const fail = () => {
    suite.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
  };
  const recover = async () => {
    delete suite.storeFaults[kind];
    await suite.restart();
  };

  it("of a grant: the repeat gives the one grant there is", async () => {
    service = `argus-${++services}`;
    const asked = wish();
    fail();
    await expect(grant(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    const granted = await grant(asked);
    expect(await grant(asked)).toEqual(granted);
    expect((await list()).grants).toEqual([granted]);
    await expect(grant({ ...asked, dnsNames: [] })).rejects.toThrow(code("REQUEST_ID_REUSED"));
  });

  it("of a withdrawal: the repeat withdraws, and what was granted since stays", async () => {
    service = `argus-${++services}`;
    await grant();
    const asked = { requestId: randomUUID() };
    fail();
    await expect(withdraw(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    await withdraw(asked);
    await expect(enrol()).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await grant();
    await withdraw(asked);
    await enrol();
  });
});
