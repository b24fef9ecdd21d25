import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EndpointHistory, Inventory, InventoryEndpoint, Sweep } from "../src/api/inventory.ts";
import { type DiscoveryDoor, newDiscoveryDoor } from "./discovery-door.ts";
import { type Knock, refused } from "./https.ts";

const INVENTORY = "/api/v1/inventory";
const PROBE = `${INVENTORY}/probe`;
const SWEEP = `${INVENTORY}/sweep`;

let door: DiscoveryDoor;
/** The door itself at another port, which a sweep may look at. */
let forward: Server;
let port: number;
beforeAll(async () => {
  forward = createServer((socket) => {
    const upstream = connect(door.port, "127.0.0.1");
    socket.pipe(upstream).pipe(socket);
    socket.on("error", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(forward, "listening");
  port = (forward.address() as AddressInfo).port;
  door = await newDiscoveryDoor({ probes: { networks: { brandenburg: ["127.0.0.0/24"] }, sweeps: { ports: [port] } } });
});
afterAll(async () => {
  await door.close();
  forward.close();
});

type Request = Omit<Knock, "port" | "trustPem">;
async function ask(request: Request): Promise<unknown> {
  const answer = await door.knock(request);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json();
}

describe("the inventory", () => {
  it("has what a probe has seen, and is read by verdict and by name", async () => {
    const seen = InventoryEndpoint.parse(
      await ask({ path: PROBE, body: { host: "127.0.0.1", port, health_path: "/api/v1/health" } }),
    );
    const endpoint = `127.0.0.1:${port}`;
    expect(seen).toMatchObject({ endpoint, organization_id: "brandenburg", tls_version: "TLSv1.3", source: "probe" });
    expect(seen.chain[0]?.certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    const found = Inventory.parse(await ask({ path: `${INVENTORY}?verdict=${seen.verdict}&page_size=1` }));
    expect(found.endpoints.map((each) => [each.endpoint, each.chain[0]?.certificate])).toEqual([[endpoint, undefined]]);
    expect(Inventory.parse(await ask({ path: `${INVENTORY}?verdict=expired` })).endpoints).toEqual([]);
    const soon = `${INVENTORY}?expires_before=${seen.chain[0]?.not_before}`;
    expect(Inventory.parse(await ask({ path: soon })).endpoints).toEqual([]);
    const path = `${INVENTORY}/endpoints/${encodeURIComponent(endpoint)}`;
    const history = EndpointHistory.parse(await ask({ path }));
    expect(history.changes).toMatchObject([{ to_verdict: seen.verdict, sha256: seen.chain[0]?.sha256 }]);
    expect(history.changes[0]).not.toHaveProperty("from_verdict");
  });

  it("grows by a sweep, whose progress is told", async () => {
    const headers = { "idempotency-key": "sweep-1" };
    const started = Sweep.parse(await ask({ path: SWEEP, headers, body: { networks: ["127.0.0.0/28"] } }));
    expect(started).toMatchObject({ total: 16, ports: [port], probed: 0 });
    const again = Sweep.parse(await ask({ path: SWEEP, headers, body: { networks: ["127.0.0.0/28"] } }));
    expect(again.sweep_id).toBe(started.sweep_id);
    const path = `${INVENTORY}/sweeps/${started.sweep_id}`;
    await expect.poll(async () => Sweep.parse(await ask({ path })).ended_at, { timeout: 20_000 }).toBeDefined();
    expect(Sweep.parse(await ask({ path: `${INVENTORY}/sweeps/newest` }))).toMatchObject({ probed: 16, found: 1 });
  });
});

describe("a request is refused", () => {
  const target = { host: "127.0.0.1", port: 1 };
  it.each<[string, () => Request, string, number]>([
    ["of a service", () => ({ path: INVENTORY, as: door.argus }), "CALLER_NOT_ALLOWED", 403],
    ["that probes, of a service", () => ({ path: PROBE, body: target, as: door.argus }), "CALLER_NOT_ALLOWED", 403],
    [
      "for a foreign organisation",
      () => ({ path: `${PROBE}?organisation=brandenburg`, body: target, as: door.stranger }),
      "NOT_FOUND",
      404,
    ],
    [
      "about a metadata service",
      () => ({ path: PROBE, body: { ...target, host: "169.254.169.254" } }),
      "PROBE_REFUSED",
      403,
    ],
    ["about what is not allowed", () => ({ path: SWEEP, body: { networks: ["10.0.0.0/24"] } }), "PROBE_REFUSED", 403],
    ["without target", () => ({ path: PROBE, body: {} }), "REQUEST_MALFORMED", 400],
    [
      "with a key that there is not",
      () => ({ path: PROBE, body: { ...target, follow: true } }),
      "REQUEST_MALFORMED",
      400,
    ],
    ["about a verdict that there is not", () => ({ path: `${INVENTORY}?verdict=splendid` }), "REQUEST_MALFORMED", 400],
    ["about an endpoint that nobody knows", () => ({ path: `${INVENTORY}/endpoints/nobody:1` }), "NOT_FOUND", 404],
    ["about no sweep", () => ({ path: `${INVENTORY}/sweeps/1` }), "REQUEST_MALFORMED", 400],
    [
      "with a thousand networks",
      () => ({ path: SWEEP, body: { networks: Array(1_000).fill("127.0.0.1/32") } }),
      "REQUEST_MALFORMED",
      400,
    ],
  ])("%s", async (_, request, code, status) => {
    expect(await refused(door.knock(request()))).toEqual([status, code]);
  });
});
