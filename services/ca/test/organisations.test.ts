import { randomUUID } from "node:crypto";
import { CertificateState } from "@vcc-pki/proto/ca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, newCa, OPERATOR } from "./harness.ts";

const BAVARIAN = "spiffe://vcc.internal/org/bayern/admin/zenzi";
const BRANDENBURGER = "spiffe://vcc.internal/org/brandenburg/admin/karin";

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-admin-ca"] });
  const bayern = {
    ...brandenburg,
    organisation: "bayern",
    name: "Freistaat Bayern",
    allowedNames: ["*.bayern.example"],
  };
  await suite.as().organisations.create({ ...bayern, requestId: randomUUID(), authorityIds: ["vcc-services-ca"] });
  await suite.issue();
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const id = () => randomUUID();
const listRequest = {
  ...{ organisation: "", authorityId: "", profile: "", state: CertificateState.UNSPECIFIED, name: "" },
  ...{ expiresBefore: undefined, pageSize: 0, pageToken: "" },
};
const issueRequest = () => ({ requestId: id(), authorityId: "", validitySeconds: 0 });

describe("a membership", () => {
  const member = "spiffe://vcc.internal/org/bayern/admin/sepp";
  const membership = (expiresAt?: Date) => ({ organisation: "brandenburg", identity: member, expiresAt });
  const list = () => suite.as("gateway", member).certificates.list({ ...listRequest, organisation: "brandenburg" });
  const granting = (requester: string) => suite.as("gateway", requester).organisations;

  it("opens another organisation until it expires", async () => {
    await granting(BRANDENBURGER).grantMembership({
      requestId: id(),
      membership: membership(new Date(suite.clock.now().getTime() + 60_000)),
    });
    expect((await list()).certificates.length).toBeGreaterThan(0);
    const { organisations } = await granting(member).list({});
    expect(organisations.map(({ organisation }) => organisation)).toEqual(["bayern", "brandenburg"]);
    suite.clock.advance(60_000);
    await expect(list()).rejects.toThrow(code("NOT_FOUND"));
  });

  it("or until it is revoked", async () => {
    await granting(BRANDENBURGER).grantMembership({ requestId: id(), membership: membership() });
    await list();
    const revocation = { requestId: id(), organisation: "brandenburg", identity: member };
    await granting(BRANDENBURGER).revokeMembership(revocation);
    await granting(BRANDENBURGER).revokeMembership(revocation);
    await expect(list()).rejects.toThrow(code("NOT_FOUND"));
    await expect(granting(BRANDENBURGER).revokeMembership({ ...revocation, requestId: id() })).rejects.toThrow(
      code("NOT_FOUND"),
    );
  });

  it("does not let its holder grant another, nor make an administrator that outlives it", async () => {
    await granting(BRANDENBURGER).grantMembership({ requestId: id(), membership: membership() });
    const friend = { ...membership(), identity: "spiffe://vcc.internal/org/bayern/admin/friend" };
    await expect(granting(member).grantMembership({ requestId: id(), membership: friend })).rejects.toThrow(
      code("NOT_FOUND"),
    );
    const csrDer = suite.csr({ uri: ["spiffe://vcc.internal/org/brandenburg/admin/sepp"] });
    const request = { ...issueRequest(), organisation: "brandenburg", profile: "admin", csrDer };
    await expect(suite.as("gateway", member).certificates.issue(request)).rejects.toThrow(code("PROFILE_NOT_ALLOWED"));
    await suite.as("gateway", OPERATOR).certificates.issue({ ...request, requestId: id() });
  });

  it.each<[string, string, string]>([
    ["a workload", "spiffe://vcc.internal/org/bayern/service/a", "REQUEST_MALFORMED"],
    ["somebody who is at home there", "spiffe://vcc.internal/org/brandenburg/admin/a", "REQUEST_MALFORMED"],
    ["somebody of another trust domain", "spiffe://evil.example/org/bayern/admin/a", "NAME_MALFORMED"],
  ])("is not granted to %s", async (_, identity, expected) => {
    const request = { requestId: id(), membership: { ...membership(), identity } };
    await expect(granting(BRANDENBURGER).grantMembership(request)).rejects.toThrow(code(expected));
  });
});

describe("who may administer an organisation", () => {
  const ask = (organisation: string, identity: string, caller = "discovery") =>
    suite.as(caller).organisations.getMembership({ organisation, identity });

  it("is told to the discovery service: at home, and as a member until that ends", async () => {
    const expiresAt = new Date(suite.clock.now().getTime() + 60_000);
    const membership = { organisation: "brandenburg", identity: BAVARIAN, expiresAt };
    expect(await ask("brandenburg", BRANDENBURGER)).toMatchObject({ expiresAt: undefined });
    await expect(ask("brandenburg", BAVARIAN)).rejects.toThrow(code("NOT_FOUND"));
    await suite.as("gateway", BRANDENBURGER).organisations.grantMembership({ requestId: id(), membership });
    expect(await ask("brandenburg", BAVARIAN)).toMatchObject({ expiresAt });
    suite.clock.advance(60_000);
    await expect(ask("brandenburg", BAVARIAN)).rejects.toThrow(code("NOT_FOUND"));
  });

  it.each<[string, string, string, string]>([
    ["a workload at home", "bayern", "spiffe://vcc.internal/org/bayern/service/a", "NOT_FOUND"],
    ["an organisation that does not exist", "saarland", "spiffe://vcc.internal/org/saarland/admin/a", "NOT_FOUND"],
    ["no organisation", "", BAVARIAN, "NOT_FOUND"],
    ["no identity", "bayern", "zenzi", "NAME_MALFORMED"],
  ])("is nobody when asked about %s", async (_, organisation, identity, expected) => {
    await expect(ask(organisation, identity)).rejects.toThrow(code(expected));
  });

  it("is not told to others", async () => {
    await expect(ask("bayern", BAVARIAN, "tsa")).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });
});

describe("how far an organisation keeps to itself", () => {
  const ask = (organisation: string, caller = "discovery") =>
    suite.as(caller).organisations.getIsolation({ organisation });

  it("is told to discovery, and to nobody else", async () => {
    expect(await ask("bayern")).toEqual({ isolationLevel: brandenburg.isolationLevel });
    await expect(ask("atlantis")).rejects.toThrow(code("NOT_FOUND"));
    await expect(ask("")).rejects.toThrow(code("NOT_FOUND"));
    for (const caller of ["gateway", "tsa", BAVARIAN])
      await expect(ask("bayern", caller)).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });
});

describe("an organisation", () => {
  const hessen = { ...brandenburg, organisation: "hessen", name: "Land Hessen", allowedNames: ["*.hessen.example"] };
  const create = (fields: object, requester = OPERATOR) =>
    suite.as("gateway", requester).organisations.create({ ...hessen, requestId: id(), ...fields });

  it("is made by the operator alone", async () => {
    await expect(create({}, BAVARIAN)).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    const created = await create({});
    expect(created).toMatchObject({
      organisation: "hessen",
      allowedNetworks: ["10.1.0.0/16"],
      createdAt: suite.clock.now(),
    });
    await expect(create({})).rejects.toThrow(code("ALREADY_EXISTS"));
  });

  it.each<[string, object, string]>([
    ["an id with capitals", { organisation: "Hessen" }, "REQUEST_MALFORMED"],
    ["no name", { organisation: "saarland", name: "" }, "REQUEST_MALFORMED"],
    [
      "names of another one, both strict",
      { organisation: "saarland", allowedNames: ["argus.vcc.internal"] },
      "NAME_NOT_ALLOWED",
    ],
    ["a name that is none", { organisation: "saarland", allowedNames: ["*.*.example"] }, "NAME_MALFORMED"],
    [
      "a network that is none",
      { organisation: "saarland", allowedNames: [], allowedNetworks: ["10.1.2.3/8"] },
      "NAME_MALFORMED",
    ],
    [
      "an authority that does not exist",
      { organisation: "saarland", allowedNames: [], authorityIds: ["no-such-ca"] },
      "NOT_FOUND",
    ],
    [
      "a matrix that is no JSON",
      {
        organisation: "saarland",
        allowedNames: [],
        isolationPolicy: { serviceAccessMatrixJson: "{", dataSharingLevel: 1, crossTenantAuth: false },
      },
      "REQUEST_MALFORMED",
    ],
  ])("is refused with %s", async (_, fields, expected) => {
    await expect(create(fields)).rejects.toThrow(code(expected));
  });
});
