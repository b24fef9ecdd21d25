import { pemDecode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROFILE } from "./requests.ts";
import { newSuite, OPERATOR, type Suite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await newSuite();
});
afterAll(() => suite.close());

describe("authorities", () => {
  it("are listed and read, as JSON, PEM and DER, with their chain", async () => {
    const { authorities } = (await suite.knock({ path: "/api/v1/ca/list" })).json() as {
      authorities: { ca_id: string }[];
    };
    expect(authorities.map(({ ca_id }) => ca_id).sort()).toContain("vcc-root-ca");
    const services = (await suite.knock({ path: "/api/v1/ca/vcc-services-ca" })).json();
    expect(services).toMatchObject({
      parent_ca_id: "vcc-root-ca",
      status: "active",
      token: expect.stringContaining("software token"),
    });
    const path = "/api/v1/ca/vcc-services-ca/certificate";
    const pem = await suite.knock({ path });
    const der = await suite.knock({ path, headers: { accept: "application/pkix-cert" } });
    expect(Buffer.from(pemDecode(pem.text)[0] ?? [])).toEqual(der.body);
    const chain = await suite.knock({ path: "/api/v1/ca/vcc-services-ca/chain" });
    expect(pemDecode(chain.text)).toHaveLength(2);
    const bundle = await suite.knock({ path: "/api/v1/trust/bundle" });
    expect(bundle.text.startsWith(suite.trustPem)).toBe(true);
  });

  it("are created below one that needs no custodians, and revoked", async () => {
    const body = {
      ...{ ca_id: "partner-ca", parent_ca_id: "vcc-external-orgs-ca", common_name: "Partner Issuing CA" },
      ...{ key_algorithm: "ec-p256", profiles: ["external_integration"] },
      name_constraints: { permitted_dns: ["bayern.example"] },
    };
    const path = "/api/v1/ca/create-issuing-ca";
    const created = await suite.knock({ path, body });
    expect([created.status, created.headers.location]).toEqual([201, "/api/v1/ca/partner-ca"]);
    expect(created.json()).toMatchObject({ ca_id: "partner-ca", status: "active" });
    const twice = await suite.knock({ path, body });
    expect([twice.status, twice.json().code]).toEqual([409, "ALREADY_EXISTS"]);
    const revoked = await suite.knock({
      path: "/api/v1/ca/revoke/partner-ca",
      body: { reason: "cessation_of_operation" },
    });
    expect(revoked.json()).toMatchObject({ ca_id: "partner-ca", status: "revoked" });
  });

  it("below the root wait for custodians, whose decisions travel through the door", async () => {
    const path = "/api/v1/ca/create-issuing-ca";
    const body = {
      ca_id: "vcc-new-ca",
      parent_ca_id: "vcc-root-ca",
      common_name: "VCC New CA",
      key_algorithm: "ec-p256",
    };
    const headers = { "idempotency-key": "new-ca-1" };
    const ask = () => suite.knock({ path, body: { ...body, may_issue_authorities: true }, headers });
    const first = await ask();
    const { approval_id, status_url } = first.json() as Record<string, string>;
    expect([first.status, first.headers.location]).toEqual([202, status_url]);
    expect((await suite.knock({ path: "/api/v1/ca/vcc-new-ca" })).json()).toMatchObject({
      status: "pending",
      approval_id,
    });

    const { approvals } = (await suite.knock({ path: "/api/v1/approvals?status=pending" })).json() as {
      approvals: { approval_id: string }[];
    };
    expect(approvals.map((approval) => approval.approval_id)).toContain(approval_id);
    await suite.approve(approval_id ?? "");
    expect((await suite.knock({ path: status_url ?? "" })).json()).toMatchObject({ status: "executed", threshold: 2 });
    const second = await ask();
    expect([second.status, second.json().status]).toEqual([201, "active"]);
  });

  it.each([
    [{ ca_id: "no-parent-ca", common_name: "x" }, "REQUEST_MALFORMED"],
    [{ ca_id: "BAD", parent_ca_id: "vcc-root-ca", common_name: "x" }, "REQUEST_MALFORMED"],
    [{ ca_id: "orphan-ca", parent_ca_id: "no-such-ca", common_name: "x" }, "NOT_FOUND"],
    [
      { ca_id: "odd-ca", parent_ca_id: "vcc-external-orgs-ca", common_name: "x", key_algorithm: "rot13" },
      "KEY_NOT_ALLOWED",
    ],
  ])("are not created from %j", async (body, code) => {
    const answer = await suite.knock({ path: "/api/v1/ca/create-issuing-ca", body });
    expect(answer.json().code).toBe(code);
  });
});

describe("decisions of custodians", () => {
  const decide = (body: object) => suite.knock({ path: "/api/v1/approvals/no-such-approval/decisions", body });

  it.each([
    [{ custodian_id: "anna", decision: "maybe", signature: "AAAA" }, 400, "REQUEST_MALFORMED"],
    [{ custodian_id: "anna", decision: "approve", signature: "not base64!" }, 400, "REQUEST_MALFORMED"],
    [{ custodian_id: "anna", decision: "approve", signature: "AAAA" }, 404, "NOT_FOUND"],
  ])("%j", async (body, status, code) => {
    const answer = await decide(body);
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });
});

describe("organisations, profiles, health", () => {
  it("an organisation is created and a person may act for it once granted, until the grant ends", async () => {
    const body = {
      org_id: "hessen",
      org_name: "Hessen",
      allowed_names: ["*.hessen.example"],
      ca_ids: ["vcc-services-ca"],
    };
    const created = await suite.knock({ path: "/api/v1/organisations", body });
    expect([created.status, created.json().isolation_level]).toEqual([201, "strict"]);
    const inHessen = () => suite.knock({ path: "/api/v1/certs/list?organisation=hessen" });
    expect((await inHessen()).status).toBe(404);
    const members = "/api/v1/organisations/hessen/members";
    expect((await suite.knock({ path: members, body: { identity: OPERATOR } })).json()).toEqual({
      org_id: "hessen",
      identity: OPERATOR,
    });
    expect((await inHessen()).status).toBe(200);
    await suite.knock({ path: `${members}/revoke`, body: { identity: OPERATOR } });
    expect((await inHessen()).status).toBe(404);
    const { organisations } = (await suite.knock({ path: "/api/v1/organisations" })).json() as {
      organisations: { org_id: string }[];
    };
    expect(organisations.map(({ org_id }) => org_id)).toContain("hessen");
  });

  it("profiles are listed and shown as they are configured", async () => {
    const { profiles } = (await suite.knock({ path: "/api/v1/profiles" })).json() as {
      profiles: { profile: string }[];
    };
    expect(profiles.map(({ profile }) => profile)).toContain(PROFILE);
    expect((await suite.knock({ path: `/api/v1/profiles/${PROFILE}` })).json().yaml).toContain(`profile: ${PROFILE}`);
    expect((await suite.knock({ path: "/api/v1/profiles/nothing" })).json().code).toBe("PROFILE_UNKNOWN");
  });

  it("health tells about the services behind the door", async () => {
    expect((await suite.knock({ path: "/api/v1/health" })).json()).toMatchObject({
      ...{ status: "ok", components: { ca: "ok", "hsm-gateway": "ok" } },
    });
  });
});
