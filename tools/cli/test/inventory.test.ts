import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:tls";
import { type DiscoveryDoor, newDiscoveryDoor } from "@vcc-pki/gateway/discovery-harness";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { barText, parseTarget } from "../src/commands/inventory.ts";
import { type Cli, newCli } from "./cli.ts";

let door: DiscoveryDoor;
let cli: Cli;
let shop: Server;
let port: number;
beforeAll(async () => {
  const stranger = createTestHierarchy().issue({ subjectAltNames: { dns: ["shop.example"] } });
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}';
  const tls = { key: stranger.keyPem, cert: stranger.chainPem };
  shop = createServer(tls, (socket) => socket.on("error", () => {}).once("data", () => socket.end(answer)));
  shop.listen(0, "127.0.0.1");
  await once(shop, "listening");
  port = (shop.address() as AddressInfo).port;
  door = await newDiscoveryDoor({ probes: { networks: { brandenburg: ["127.0.0.0/24"] }, sweeps: { ports: [port] } } });
  cli = newCli({ ...door, trustPem: door.rootPem + door.trustPem });
});
afterAll(async () => {
  await door.close();
  shop.close();
});

const inventory = (...args: string[]) => cli.run("inventory", ...args);

describe("vcc-pki inventory", () => {
  it("sweeps, and lists and shows what it has found", async () => {
    expect(await inventory("list")).toMatchObject({ exit: 0, out: "nothing is known: see vcc-pki inventory sweep\n" });
    const swept = await inventory("sweep", "127.0.0.0/29");
    expect(swept).toMatchObject({ exit: 0 });
    expect(swept.out).toMatch(/^probed +8 of 8\nfound +1\n {2}foreign +1$/m);
    expect((await inventory("sweep-status", "--json")).json()).toMatchObject({ probed: 8, total: 8 });

    const listed = await inventory("list", "--verdict", "foreign");
    expect(listed.out).toMatch(/^ENDPOINT +VERDICT +SERVICE +EXPIRES +KEY +ISSUER +HEALTH +LAST SEEN$/m);
    expect(listed.out).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${port} +foreign +\\d{4}-.* ec-p256 +O=VCC Test, CN=Test Issuing CA `, "m"),
    );
    expect((await inventory("list", "--verdict", "ours", "--json")).json()).toEqual({ endpoints: [] });

    const shown = await inventory("show", `127.0.0.1:${port}`);
    expect(shown.out).toMatch(/^names +shop\.example$/m);
    expect(shown.out).toMatch(/^AT +FROM +TO +REASON +CERTIFICATE\n.* foreign +otherIssuer +[0-9a-f]{16}$/m);
  });

  it("probes, and ends with 3 for what is not ours", async () => {
    const seen = await inventory("probe", `127.0.0.1:${port}`, "--health-path", "/health");
    expect(seen.exit).toBe(3);
    expect(seen.out).toMatch(/^verdict +foreign: issued by O=VCC Test, CN=Test Issuing CA$/m);
    expect(seen.out).toMatch(/^health +healthy: status "ok"$/m);
    expect((await inventory("probe", `127.0.0.1:${port}`, "--json")).json()).toMatchObject({ reason: "otherIssuer" });
  });

  it.each([
    [3, ["probe", "169.254.169.254:80"]],
    [3, ["sweep", "10.0.0.0/24"]],
    [4, ["show", "nobody:1"]],
    [2, ["probe", "127.0.0.1"]],
    [2, ["list", "--verdict", "splendid"]],
    [2, ["sweep"]],
    [2, ["sweep", "127.0.0.0/29", "--port", "65536"]],
  ])("ends with %i for %j", async (exit, args) => {
    expect(await inventory(...args)).toMatchObject({ exit, out: "" });
  });
});

it("draws how far it has come", () => {
  expect(barText({ probed: 512, total: 1_024, found: 17 })).toBe("[############------------] 512/1024, 17 found");
  expect(barText({ probed: 8, total: 8, found: 0 })).toBe("[########################] 8/8, 0 found");
});

it("reads targets", () => {
  expect(parseTarget("[fd00::7]:443")).toEqual({ host: "fd00::7", port: 443 });
  expect(parseTarget("covina.vcc.internal:45678")).toEqual({ host: "covina.vcc.internal", port: 45678 });
  for (const text of ["fd00::7:443", "https://x:1", "x", "x:0", "x:65536", "a@b:1"])
    expect(() => parseTarget(text)).toThrow();
});
