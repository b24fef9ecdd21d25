import type { CheckRequest } from "@vcc-pki/proto/envoy-ext-authz";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery } from "./harness.ts";

const ARGUS = CLARA.replace("clara", "argus");

let harness: DiscoveryHarness;
beforeAll(async () => {
  harness = await newDiscovery();
});
afterAll(() => harness.close());

/** What Envoy says of a request: whom its listener has verified, and the request line. */
const request = (principal: string, method = "GET", path = "/status?full=1"): CheckRequest => ({
  attributes: { source: { principal }, request: { http: { method, path } } },
});
/** As the Envoy before a service, by the service's certificate. */
const ask = (asked: CheckRequest, envoy = CLARA) => harness.as("", envoy).envoy.check(asked);

describe("an Envoy is told", () => {
  it("that a request may pass", async () => {
    expect(await ask(request(ARGUS))).toMatchObject({ status: { code: 0 }, httpResponse: { $case: "okResponse" } });
  });

  it.each<[string, CheckRequest, number]>([
    ["by the matrix", request(CLARA.replace("clara", "vpb")), 403],
    ["where a permission keeps the path", request(ARGUS, "POST", "/load_adapter?x"), 403],
    ["where the path can be read in two ways", request(ARGUS, "POST", "/status/%2e%2e/load_adapter"), 403],
    ["of another organisation", request(ARGUS.replace("brandenburg", "berlin")), 403],
    ["of another trust domain", request(ARGUS.replace("vcc.internal", "evil.example")), 401],
    ["of a person", request(ADMIN), 401],
    ["of a service of this suite", request("spiffe://vcc.internal/pki/ca"), 401],
    ["of whom Envoy has not verified", request(""), 401],
    ["who is named by something else than a URI", request("argus.vcc.internal"), 401],
    ["without method", request(ARGUS, ""), 403],
    ["that it says nothing of", { attributes: undefined }, 401],
  ])("to refuse a request %s", async (_, asked, status) => {
    const answer = await ask(asked);
    expect(answer.status?.code).toBe(7);
    expect(answer.httpResponse).toMatchObject({ $case: "deniedResponse", value: { status: { code: status } } });
    const body = answer.httpResponse?.$case === "deniedResponse" ? answer.httpResponse.value.body : "";
    expect(JSON.parse(body)).toMatchObject({ type: expect.stringMatching(/^urn:pki:error:CALLER_/), status });
  });

  it("by whose certificate it speaks, whatever else it says", async () => {
    expect((await ask(request(ARGUS), ARGUS.replace("argus", "veritas"))).status?.code).toBe(7);
    expect((await ask(request(ARGUS), ARGUS.replace("argus", "covina"))).status?.code).toBe(0);
  });
});

describe("ext_authz is closed to", () => {
  it.each([
    ["the gateway", "gateway"],
    ["other services of the suite", "ocsp"],
    ["people", ADMIN],
  ])("%s", async (_, caller) => {
    const asked = harness.as("", caller).envoy.check(request(ARGUS));
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: "CALLER_NOT_ALLOWED" }));
  });
});
