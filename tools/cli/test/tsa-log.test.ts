import { hash } from "node:crypto";
import { newTsaDoor, type TsaDoor } from "@vcc-pki/gateway/tsa-harness";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";

let door: TsaDoor;
let cli: Cli;
beforeAll(async () => {
  door = await newTsaDoor();
  cli = newCli({ ...door, trustPem: door.rootPem + door.trustPem });
});
afterAll(() => door.close());

it("tsa status shows the clock and the units", async () => {
  const { exit, out, err } = await cli.run("tsa", "status");
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatch(/^clock +proven\nevidence +\S+, 20\d\d-.* UTC\noffset +-?\d+\.\d{3} ms, wrong by/);
  expect(out).toMatch(/\nmain +signs +1\.3\S+ +ec-p256 +1000 ms +20/);
  expect(out).toContain("trial (test)");
  expect((await cli.run("tsa", "status", "--json")).json()).toMatchObject({ clock: { unproven: false } });
});

it("tsa find shows what was stamped, by file and by digest, and says with 3 when nothing was", async () => {
  const file = cli.file("contract.txt", "contract");
  const digest = hash("sha256", "contract");
  expect((await cli.run("tsa", "find", file)).exit).toBe(3);
  for (let i = 0; i < 3; i++)
    await door.knock({ path: "/api/v1/tsa/timestamp", body: { hash_algorithm: "sha256", digest } });
  for (const what of [file, digest]) {
    const { exit, json } = await cli.run("tsa", "find", what, "--json");
    expect([exit, (json() as { tokens: unknown[] }).tokens]).toMatchObject([0, [{ digest }, { digest }, { digest }]]);
  }
  const { out } = await cli.run("tsa", "find", file, "--limit", "2");
  expect(out).toMatch(/^TIME +UNIT +POLICY +SERIAL\n20\S+ +main +1\.3/);
  expect(out).toContain("only the newest 2");
  expect((await cli.run("tsa", "find", "no-such-file")).exit).toBe(2);
});

it("tsa status says that the clock is not proven, and exits with 3", async () => {
  for (const server of door.tsa.servers) server.isAway = true;
  door.tsa.clock.advance(300_000);
  await door.tsa.tsa.refresh();
  const { exit, out } = await cli.run("tsa", "status");
  expect([exit, out]).toEqual([3, expect.stringMatching(/^clock +not proven: /)]);
});
