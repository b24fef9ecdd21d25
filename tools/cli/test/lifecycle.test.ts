import { type LifecycleDoor, newLifecycleDoor } from "@vcc-pki/gateway/lifecycle-harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";

const SERVICE = "spiffe://vcc.internal/org/brandenburg/service/vpb";

let door: LifecycleDoor;
let cli: Cli;
let certificateId = "";
beforeAll(async () => {
  door = await newLifecycleDoor();
  cli = newCli({ ...door, trustPem: door.rootPem + door.trustPem });
  const names = { names: { dns: ["vpb.vcc.internal"], uri: [SERVICE] } };
  const { certificate } = await door.lifecycle.ca.issue(names);
  certificateId = certificate?.certificateId ?? "";
  await door.lifecycle.ca.issue(names);
  await door.lifecycle.lifecycle.refresh();
});
afterAll(() => door.close());

describe("vcc-pki history", () => {
  it("tells of a certificate and of what took over from it", async () => {
    const { exit, out, err } = await cli.run("history", certificateId);
    expect([exit, err]).toEqual([0, ""]);
    expect(out.match(/^certificate /gm)).toHaveLength(2);
    expect(out).toMatch(
      /succeeded +renewing +spiffe:\/\/vcc\.internal\/org\/vcc\/admin\/operator +vcc-services-ca:\w+ takes over$/m,
    );
    const { certificates } = (await cli.run("history", certificateId, "--json")).json();
    expect(certificates).toHaveLength(2);
  });

  it("ends with 4 for what is not there, and 2 for wrong usage", async () => {
    expect((await cli.run("history", "vcc-services-ca:00ff")).exit).toBe(4);
    expect((await cli.run("history")).exit).toBe(2);
  });
});

describe("vcc-pki lifecycle", () => {
  it("lists what ends first", async () => {
    const { out } = await cli.run("lifecycle", "--profile", "mtls_service", "--within", "200");
    expect(out).toContain(SERVICE);
    expect((await cli.run("lifecycle", "--within", "0", "--profile", "mtls_service")).out).toContain("no certificates");
    expect((await cli.run("lifecycle", "--state", "lost")).exit).toBe(2);
  });
});

describe("vcc-pki report", () => {
  it("counts, and draws what is about to end", async () => {
    const until = new Date(door.lifecycle.clock.now().getTime() + 60_000).toISOString();
    const { exit, out } = await cli.run("report", "--until", until);
    expect(exit).toBe(0);
    expect(out).toMatch(/^mtls_service +3 +1 +0 +0 +0 +0$/m);
    expect(out).toMatch(/^\d{4}-\d{2}-\d{2} +[1-9]\d* +█+$/m);
    expect((await cli.run("report", "--from", "2026-02-01", "--until", "2026-01-01")).exit).toBe(3);
  });
});
