import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DnsServer, serveDns } from "@vcc-pki/network/test-dns-server";
import { ServiceState, Verdict } from "@vcc-pki/proto/discovery";
import { createTestHierarchy, type IssuedTestCertificate } from "@vcc-pki/testkit/hierarchy";
import { pemEncode } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery, OPERATOR, STRANGER } from "./harness.ts";
import { answering, closeServers, http, servePlain, serveTls, type TestServer } from "./tls-servers.ts";

const directory = mkdtempSync(join(tmpdir(), "vcc-inventory-"));
const socketPath = join(directory, "docker.sock");
/** The first of 64 that sweeps may look at, others in others' runs of this test at the same time. */
const PORT = 20_000 + (process.pid % 150) * 64;
/** What the Docker Engine says is running. */
let containers: object[] = [];
const engine = createServer((_, response) => response.end(JSON.stringify(containers)));

let harness: DiscoveryHarness;
let dns: DnsServer;
let foreign: IssuedTestCertificate;
beforeAll(async () => {
  engine.listen(socketPath);
  await once(engine, "listening");
  // Every service of this suite runs here.
  const local = (name: string) => ({ type: "A", name, ttl: 0, data: "127.0.0.1" }) as const;
  dns = await serveDns((name, type) =>
    name.endsWith(".vcc.internal") ? (type === "A" ? [local(name)] : []) : undefined,
  );
  harness = await newDiscovery({
    config: {
      probes: {
        networks: { brandenburg: ["127.0.0.0/16"], berlin: ["127.0.7.0/24"] },
        ...{ resolvers: [dns.address], timeout: "2s", unreachableAfter: 2 },
        sweeps: { ports: Array.from({ length: 64 }, (_, i) => PORT + i), maxTargets: 2_000 },
      },
      sources: { docker: { socketPath, organisation: "brandenburg" } },
    },
  });
  foreign = createTestHierarchy({ clock: harness.clock }).issue({ subjectAltNames: { dns: ["shop.example"] } });
});
afterEach(async () => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
  containers = [];
  await closeServers();
});
afterAll(async () => {
  await harness.close();
  engine.close();
  dns.close();
  rmSync(directory, { recursive: true });
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const look = () => harness.discovery.runChores();
const inventory = (...as: Parameters<DiscoveryHarness["as"]>) => harness.as(...as).inventory;
const probing = (fields: object = {}) => ({
  ...{ organisation: "", host: "127.0.0.1", port: 1, name: "", healthPath: "", healthDialect: "" },
  ...fields,
});
const listing = (fields: object = {}) => ({
  ...{
    organisation: "",
    verdict: Verdict.UNSPECIFIED,
    service: "",
    expiresBefore: undefined,
    pageSize: 0,
    pageToken: "",
  },
  ...fields,
});
const sweeping = (fields: object = {}) => ({
  ...{ requestId: randomUUID(), organisation: "", networks: ["127.0.5.0/29"], ports: [PORT] },
  ...fields,
});
const eventsOf = (endpoint: string) =>
  harness.store.outbox
    .pending(10_000)
    .filter(({ data }) => (data as { endpoint?: string }).endpoint === endpoint)
    .map(({ type, data }) => [type, (data as { verdict: string }).verdict]);

/** A service of brandenburg that is registered, approved and certified by the ca, and what it serves with. */
async function newService(service: string, { port }: Pick<TestServer, "port">) {
  const { registry } = harness.as();
  const url = `https://${service}.vcc.internal:${port}`;
  await registry.register({
    requestId: randomUUID(),
    service: {
      ...{
        organisation: "",
        service,
        type: "covina",
        description: "",
        owner: "",
        endpoints: [url],
        healthUrl: `${url}/health`,
      },
      ...{
        healthDialect: "",
        dnsNames: [`${service}.vcc.internal`],
        ipAddresses: [],
        profile: "",
        dependsOn: [],
        managedBy: "",
      },
      ...{ state: ServiceState.UNSPECIFIED, stateReason: "", source: "", certificate: undefined, approvedBy: "" },
      ...{ approvedAt: undefined, registeredAt: undefined, changedAt: undefined, seenAt: undefined, version: 0 },
    },
  });
  await registry.approve({ requestId: randomUUID(), organisation: "", service });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const uri = [`spiffe://vcc.internal/org/brandenburg/service/${service}`];
  const csrDer = harness.ca.csr({ uri, dns: [`${service}.vcc.internal`] }, { privateKey });
  const { certificate, chainDer } = await harness.ca.issue({ csrDer });
  await expect.poll(() => stateOf(service)).toBe(ServiceState.ACTIVE);
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const leafDer = certificate?.certificateDer ?? new Uint8Array();
  return { keyPem, chainPem: [leafDer, ...chainDer].map((der) => pemEncode("CERTIFICATE", der)).join("") };
}
const get = (service: string) => harness.as().registry.get({ organisation: "", service });
const stateOf = async (service: string) => (await get(service)).state;
const HEALTHY = answering(http(200, '{"status":"healthy"}'));

/** A port that is free, for servers that come and go. */
async function freePort(): Promise<number> {
  const { port, close } = await servePlain(() => {});
  await close();
  return port;
}

describe("a service", () => {
  it("is seen serving its certificate, lost, and found again", async () => {
    const port = await freePort();
    const served = await newService("covina", { port });
    const endpoint = `covina.vcc.internal:${port}`;
    const open = () => serveTls(served, { speak: HEALTHY, port });
    const server = await open();
    await look();
    expect((await get("covina")).certificate?.servedAt).toEqual(harness.clock.now());
    const seen = await inventory().getEndpoint({ organisation: "", endpoint });
    expect(seen.endpoint).toMatchObject({
      ...{ service: "covina", verdict: Verdict.OURS, isOurs: true, tlsVersion: "TLSv1.3", stapledOcsp: "none" },
      ...{ health: "healthy", source: "registry", address: "127.0.0.1" },
    });
    expect(seen.endpoint?.chain).toHaveLength(2);
    expect(seen.endpoint?.chain[0]?.uris).toEqual(["spiffe://vcc.internal/org/brandenburg/service/covina"]);

    await server.close();
    await look();
    expect(await stateOf("covina")).toBe(ServiceState.ACTIVE);
    await look();
    expect(await stateOf("covina")).toBe(ServiceState.UNREACHABLE);
    expect((await get("covina")).stateReason).toContain("nobody listens there");

    await open();
    await look();
    expect(await stateOf("covina")).toBe(ServiceState.ACTIVE);
    const { changes } = await inventory().getEndpoint({ organisation: "", endpoint });
    expect(changes.map(({ fromVerdict, toVerdict }) => [fromVerdict, toVerdict])).toEqual([
      [Verdict.UNREACHABLE, Verdict.OURS],
      [Verdict.OURS, Verdict.UNREACHABLE],
      [Verdict.UNSPECIFIED, Verdict.OURS],
    ]);
    expect(eventsOf(endpoint)).toEqual([
      ["pki.inventory.found.v1", "ours"],
      ["pki.inventory.changed.v1", "unreachable"],
      ["pki.inventory.changed.v1", "ours"],
    ]);
  });

  it("that serves somebody else's certificate is there, and has deployed nothing", async () => {
    const server = await serveTls(foreign, { speak: HEALTHY });
    await newService("argus", server);
    await look();
    expect((await get("argus")).certificate?.servedAt).toBeUndefined();
    const { endpoints } = await inventory().listInventory(listing({ service: "argus" }));
    expect(endpoints.map(({ verdict }) => verdict)).toEqual([Verdict.FOREIGN]);
    const told = () =>
      harness.store.outbox.pending(10_000).flatMap(({ type, data }) => (type === "pki.service.told.v1" ? [data] : []));
    expect(told()).toEqual([]);
    // Its agent has had time to deploy what it was given.
    harness.clock.advance(11 * 60_000);
    await look();
    await look();
    expect(told()).toEqual([{ service: "argus", agent: "argus", reason: "served-foreign" }]);
  });

  it("that a source tells of is discovered when it answers, and gets nothing by that", async () => {
    const server = await serveTls(foreign);
    const labels = (service: string, port: number) => ({
      Labels: { "vcc.service": service, "vcc.port": String(port), "vcc.host": "127.0.0.1" },
    });
    const unfit = { Labels: { "vcc.service": "unfit", "vcc.port": "1", "vcc.host": "a:b" } };
    containers = [unfit, labels("aat", server.port), labels("nobody", await freePort())];
    await look();
    expect(await get("aat")).toMatchObject({ state: ServiceState.DISCOVERED, source: "docker", approvedBy: "" });
    await expect(get("nobody")).rejects.toThrow(code("NOT_FOUND"));
    await look();
    expect(await stateOf("aat")).toBe(ServiceState.DISCOVERED);
  });
});

describe("without the ca", () => {
  it("nothing is called foreign: what is known stays, and nothing is looked at", async () => {
    const port = await freePort();
    const served = await newService("veritas", { port });
    await serveTls(served, { speak: HEALTHY, port });
    await look();
    harness.away.add("ca");
    await harness.restart();
    await look();
    await expect(inventory().probe(probing({ port }))).rejects.toThrow(code("PEER_UNAVAILABLE"));
    const asked = { organisation: "", endpoint: `veritas.vcc.internal:${port}` };
    expect((await inventory().getEndpoint(asked)).endpoint?.verdict).toBe(Verdict.OURS);
    harness.away.delete("ca");
    await look();
    expect((await inventory().getEndpoint(asked)).changes).toHaveLength(1);
  });
});

describe("a probe", () => {
  it("tells what is served, and keeps it", async () => {
    const { port } = await serveTls(foreign, { speak: HEALTHY });
    const seen = await inventory().probe(probing({ port, name: "shop.example", healthPath: "/health" }));
    expect(seen).toMatchObject({ verdict: Verdict.FOREIGN, reason: "otherIssuer", health: "healthy", source: "probe" });
    expect(Buffer.from(seen.chain[0]?.certificateDer ?? [])).toEqual(Buffer.from(foreign.certificate.der));
    const { endpoints } = await inventory().listInventory(listing({ verdict: Verdict.FOREIGN }));
    expect(endpoints.map(({ endpoint }) => endpoint)).toContain(`127.0.0.1:${port}`);
  });

  it("of nobody is answered, and not kept", async () => {
    const port = await freePort();
    expect(await inventory().probe(probing({ port }))).toMatchObject({
      verdict: Verdict.UNREACHABLE,
      reason: "refused",
    });
    await expect(inventory().getEndpoint({ organisation: "", endpoint: `127.0.0.1:${port}` })).rejects.toThrow(
      code("NOT_FOUND"),
    );
  });

  it.each([
    ["of a metadata service", { host: "169.254.169.254", port: 80 }],
    ["outside of what is allowed", { host: "127.1.0.1" }],
    ["of loopback in another dress", { host: "::ffff:7f00:1" }],
    ["of a name that nobody has", { host: "2130706433" }],
  ])("%s is refused", async (_, target) => {
    await expect(inventory().probe(probing(target))).rejects.toThrow(code("PROBE_REFUSED"));
  });

  it.each([
    ["no port", { port: 0 }],
    ["a port too many", { port: 65_536 }],
    ["a URL", { host: "http://127.0.0.1" }],
    ["a line break", { host: "a\r\nb" }],
    ["another request in its path", { healthPath: "/x HTTP/1.1\r\nHost: y" }],
    ["no path", { healthPath: "health" }],
    ["an unknown dialect", { healthDialect: "klingon" }],
    ["a name of 10,000 letters", { host: "a".repeat(10_000) }],
  ])("of %s is malformed", async (_, target) => {
    await expect(inventory().probe(probing(target))).rejects.toThrow(code("REQUEST_MALFORMED"));
  });
});

describe("a sweep", () => {
  const ended = async (sweepId = "", requester = ADMIN) => {
    await expect
      .poll(async () => (await inventory(requester).getSweep({ organisation: "", sweepId })).endedAt, {
        timeout: 20_000,
      })
      .toBeDefined();
    return inventory(requester).getSweep({ organisation: "", sweepId });
  };
  const serveAt = (host: string, port: number) => serveTls(foreign, { host, port });

  it("finds all that answers in its networks, and nothing else", async () => {
    await Promise.all([serveAt("127.0.5.1", PORT), serveAt("127.0.5.6", PORT + 1), serveAt("127.0.6.1", PORT)]);
    const { sweepId, total } = await inventory().startSweep(sweeping({ ports: [PORT, PORT + 1] }));
    expect(total).toBe(16);
    expect(await ended(sweepId)).toMatchObject({ probed: 16, found: 2, refused: 0, verdicts: { foreign: 2 } });
    const { endpoints } = await inventory().listInventory(listing({ pageSize: 1_000 }));
    const swept = endpoints.filter(({ source }) => source === "sweep").map(({ endpoint }) => endpoint);
    expect(swept).toEqual([`127.0.5.1:${PORT}`, `127.0.5.6:${PORT + 1}`]);
  });

  it("goes on where it was after a restart", async () => {
    await serveAt("127.0.5.1", PORT + 63);
    const { sweepId } = await inventory().startSweep(
      sweeping({ ports: [], networks: ["127.0.5.0/29", "127.0.5.16/28"] }),
    );
    await harness.restart();
    expect(await ended(sweepId)).toMatchObject({ total: 1_536, probed: 1_536, found: 1 });
  });

  it("is one at a time, and one for its request id", async () => {
    const silent = await Promise.all([1, 2].map((last) => servePlain(() => {}, `127.0.5.${last}`, PORT + 10)));
    const asked = sweeping({ ports: [PORT + 10] });
    const { sweepId } = await inventory().startSweep(asked);
    expect((await inventory().startSweep(asked)).sweepId).toBe(sweepId);
    await expect(inventory().startSweep({ ...asked, ports: [PORT + 11] })).rejects.toThrow(code("REQUEST_ID_REUSED"));
    await expect(inventory().startSweep(sweeping())).rejects.toThrow(code("ALREADY_EXISTS"));
    await Promise.all(silent.map(({ close }) => close()));
    await ended(sweepId);
  });

  it.each([
    ["a network that is not allowed", { networks: ["10.0.0.0/24"] }, "PROBE_REFUSED"],
    ["more than is allowed", { networks: ["127.0.0.0/8"] }, "PROBE_REFUSED"],
    ["a port that is not allowed", { ports: [22] }, "PROBE_REFUSED"],
    ["no network", { networks: [] }, "REQUEST_MALFORMED"],
    ["a name", { networks: ["localhost"] }, "REQUEST_MALFORMED"],
    ["bits beyond the prefix", { networks: ["127.0.5.1/24"] }, "REQUEST_MALFORMED"],
    ["too much", { networks: ["127.0.0.0/16"] }, "REQUEST_TOO_LARGE"],
  ])("of %s is refused", async (_, fields, expected) => {
    await expect(inventory().startSweep(sweeping(fields))).rejects.toThrow(code(expected));
  });

  it("keeps to the networks of its organisation", async () => {
    await expect(inventory(STRANGER).startSweep(sweeping())).rejects.toThrow(code("PROBE_REFUSED"));
    await inventory(STRANGER).startSweep(sweeping({ networks: ["127.0.7.0/30"] }));
    await ended("", STRANGER);
    const { endpoints } = await inventory(STRANGER).listInventory(listing());
    expect(endpoints).toEqual([]);
  });
});

describe("who may", () => {
  it("is an administrator, of the organisation or a member of it", async () => {
    await expect(inventory(CLARA).listInventory(listing())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(inventory(CLARA).probe(probing())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(inventory(CLARA).startSweep(sweeping())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(inventory(STRANGER).getSweep({ organisation: "brandenburg", sweepId: "" })).rejects.toThrow(
      code("NOT_FOUND"),
    );
    await expect(inventory(STRANGER).probe(probing({ organisation: "brandenburg" }))).rejects.toThrow(
      code("NOT_FOUND"),
    );
    expect(await inventory(OPERATOR).listInventory(listing({ organisation: "brandenburg" }))).toBeDefined();
  });

  it("comes through the gateway", async () => {
    const others = inventory(ADMIN, "signing");
    await expect(others.listInventory(listing())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(others.getEndpoint({ organisation: "", endpoint: "x" })).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(others.probe(probing())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(others.startSweep(sweeping())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(others.getSweep({ organisation: "", sweepId: "" })).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });

  it("sees what is its own", async () => {
    const { port } = await serveTls(foreign);
    await inventory().probe(probing({ port }));
    const endpoint = `127.0.0.1:${port}`;
    await expect(inventory(STRANGER).getEndpoint({ organisation: "", endpoint })).rejects.toThrow(code("NOT_FOUND"));
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s,", (kind) => {
  const die = () => {
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
  };
  const recover = async () => {
    delete harness.storeFaults[kind];
    await harness.restart();
  };

  it("of a probe: the repeat keeps it once", async () => {
    const { port } = await serveTls(foreign);
    die();
    await expect(inventory().probe(probing({ port }))).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    await inventory().probe(probing({ port }));
    expect(eventsOf(`127.0.0.1:${port}`)).toEqual([["pki.inventory.found.v1", "foreign"]]);
  });

  it("of the start of a sweep: the repeat starts one", async () => {
    const asked = sweeping({ ports: [PORT + 20] });
    die();
    await expect(inventory().startSweep(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    const { sweepId } = await inventory().startSweep(asked);
    await expect.poll(async () => (await inventory().getSweep({ organisation: "", sweepId })).endedAt).toBeDefined();
    expect((await inventory().getSweep({ organisation: "", sweepId: "" })).sweepId).toBe(sweepId);
  });

  it("in a sweep: it goes on, and finds each once", async () => {
    const { close } = await serveTls(foreign, { host: "127.0.5.3", port: PORT + 30 });
    const { sweepId } = await inventory().startSweep(sweeping({ ports: [PORT + 30] }));
    die();
    await recover();
    await expect.poll(async () => (await inventory().getSweep({ organisation: "", sweepId })).endedAt).toBeDefined();
    expect(await inventory().getSweep({ organisation: "", sweepId })).toMatchObject({ probed: 8, found: 1 });
    expect(eventsOf(`127.0.5.3:${PORT + 30}`).length).toBeLessThanOrEqual(1);
    await close();
  });
});
