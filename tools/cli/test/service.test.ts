import { randomUUID } from "node:crypto";
import { type DiscoveryDoor, newDiscoveryDoor, newIdentityRequest } from "@vcc-pki/gateway/discovery-harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";

let door: DiscoveryDoor;
let cli: Cli;
beforeAll(async () => {
  door = await newDiscoveryDoor();
  cli = newCli({ ...door, trustPem: door.rootPem + door.trustPem });
});
afterAll(() => door.close());

const enrol = async (token: string, service: string) => {
  const { csr } = newIdentityRequest(service);
  const body = { attestation: { kind: "token", token }, csr, request_id: randomUUID() };
  return (await door.knock({ path: "/api/v1/enrol", body, as: undefined })).status;
};

describe("a service", () => {
  it("is registered, approved, shown with its history, and removed", async () => {
    const names = ["--dns", "covina.vcc.internal", "--endpoint", "https://covina.vcc.internal:45678"];
    const made = await cli.run("service", "register", "covina", "--type", "covina", "--owner", "team", ...names);
    expect([made.exit, made.out]).toEqual([0, expect.stringMatching(/status +pending_approval/)]);
    expect((await cli.run("service", "approve", "covina")).out).toMatch(/status +pending_cert/);
    expect((await cli.run("service", "list", "--status", "pending_cert")).out).toMatch(
      /^SERVICE[\s\S]*\ncovina +covina/,
    );
    const shown = await cli.run("service", "show", "covina", "--history");
    expect(shown.out).toMatch(/names +covina.vcc.internal[\s\S]*WHEN[\s\S]*approved[\s\S]*registered/);
    expect((await cli.run("service", "remove", "covina")).exit).toBe(2);
    const removed = await cli.run("service", "remove", "covina", "--yes", "--json");
    expect(removed.json()).toMatchObject({ service: "covina", status: "inactive" });
    const nobody = await cli.run("service", "show", "nobody", "--json");
    expect([nobody.exit, JSON.parse(nobody.err).code]).toEqual([4, "NOT_FOUND"]);
  });

  it("is registered and approved in one go", async () => {
    expect((await cli.run("service", "register", "argus", "--approve")).out).toMatch(/status +pending_cert/);
  });
});

describe("a token", () => {
  it("stands alone on standard output, enrols a service, and is listed without what proves it", async () => {
    const made = await cli.run("token", "create", "clara", "--dns", "clara.vcc.internal", "--valid-for", "5m");
    expect([made.exit, made.out]).toEqual([0, expect.stringMatching(/^vcc-enrol-1\.[\w-]{16}\.[\w-]{43}\n$/)]);
    expect(made.err).toMatch(/service +clara of brandenburg[\s\S]*names +clara.vcc.internal/);
    expect(await enrol(made.out.trim(), "clara")).toBe(200);
    const listed = await cli.run("token", "list", "--service", "clara");
    expect(listed.out).toMatch(/clara +used/);
    expect(listed.out).not.toContain(made.out.trim());
    expect((await cli.run("service", "show", "clara", "--json")).json()).toMatchObject({ status: "active" });
  });

  it("is revoked", async () => {
    const { out } = await cli.run("token", "create", "vpb", "--dns", "vpb.vcc.internal");
    const [, id = ""] = out.split(".");
    expect((await cli.run("token", "revoke", id)).out).toBe(`${id} for vpb: revoked\n`);
    expect(await enrol(out.trim(), "vpb")).toBe(403);
    expect((await cli.run("token", "create", "vpb", "--network", "everywhere")).exit).toBe(3);
  });
});

describe("approve", () => {
  it("lists who asks, shows the key, and decides", async () => {
    const { csr, spkiSha256 } = newIdentityRequest("veritas");
    const body = { organisation: "brandenburg", service: "veritas", csr };
    const asked = await door.knock({ path: "/api/v1/enrol/requests", body, as: undefined });
    const { request_id: id = "", secret } = asked.json() as Record<string, string>;
    expect((await cli.run("approve")).out).toContain(spkiSha256);
    expect((await cli.run("approve", id)).exit).toBe(2);
    const approved = await cli.run("approve", id, "--yes");
    expect([approved.err.includes(spkiSha256), approved.out]).toEqual([true, `${id} for veritas: approved\n`]);
    const path = `/api/v1/enrol/requests/${id}/claim`;
    expect((await door.knock({ path, body: { secret }, as: undefined })).status).toBe(200);
    expect((await cli.run("approve", id, "--refuse", "--yes", "--json")).exit).toBe(7);
  });
});
