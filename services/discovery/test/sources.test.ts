import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveDns } from "@vcc-pki/network/test-dns-server";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import type { SrvAnswer } from "dns-packet";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readServiceCatalogue } from "../src/service-catalogue.ts";
import { configurationSource } from "../src/sources/configuration.ts";
import { dnsSource } from "../src/sources/dns-srv.ts";
import { dockerSource } from "../src/sources/docker.ts";
import { kubernetesSource } from "../src/sources/kubernetes.ts";

const directory = mkdtempSync(join(tmpdir(), "vcc-sources-"));
afterAll(() => rmSync(directory, { recursive: true }));

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => void close()));

const soon = () => AbortSignal.timeout(5_000);
const away = expect.objectContaining({ code: "PEER_UNAVAILABLE" });

it("configuration: each port of the catalogue, at the service's first name", async () => {
  const catalogue = readServiceCatalogue(new URL("../../../deploy/policies/services.yaml", import.meta.url).pathname);
  const found = await configurationSource(catalogue, "vcc").find(soon());
  expect(found).toHaveLength(catalogue.flatMap(({ endpoints }) => endpoints).length);
  expect(found).toContainEqual({
    ...{
      organisation: "vcc",
      service: "covina",
      type: "covina",
      host: "covina.vcc.internal",
      name: "covina.vcc.internal",
    },
    ...{ port: 45678, scheme: "https", health: { path: "/health", dialect: "status" } },
  });
});

describe("dns", () => {
  /** A server that knows these SRV records, and no other names. */
  async function serve(records: Readonly<Record<string, readonly SrvAnswer["data"][]>>): Promise<string> {
    const server = await serveDns((name) => records[name]?.map((data) => ({ type: "SRV", name, ttl: 1, data })));
    closers.push(server.close);
    return server.address;
  }
  const source = (servers: string[], ...names: string[]) =>
    dnsSource({ names, servers, organisation: "vcc", timeoutMs: 200 });

  it("finds services by their SRV records", async () => {
    const server = await serve({
      "_covina._tcp.vcc.internal": [
        { priority: 10, weight: 1, port: 45678, target: "Node1.vcc.internal" },
        { priority: 20, weight: 1, port: 45678, target: "node2.vcc.internal" },
      ],
    });
    const found = await source([server], "_covina._tcp.vcc.internal", "_nobody._tcp.vcc.internal").find(soon());
    expect(found.map(({ service, host, port }) => `${service} ${host} ${port}`).sort()).toEqual([
      ...["covina node1.vcc.internal 45678", "covina node2.vcc.internal 45678"],
    ]);
  });

  it("takes '.' for nobody, and leaves out what is unfit", async () => {
    const server = await serve({
      "_a1._tcp.vcc.internal": [{ port: 1, target: "." }],
      "_b1._tcp.vcc.internal": [{ port: 0, target: "x.vcc.internal" }],
    });
    expect(await source([server], "_a1._tcp.vcc.internal", "_b1._tcp.vcc.internal").find(soon())).toEqual([]);
  });

  it("goes on past a name that is refused", async () => {
    const REFUSED = 5;
    const server = await serveDns((name) =>
      name.startsWith("_covina")
        ? [{ type: "SRV", name, ttl: 1, data: { port: 45678, target: "n.vcc.internal" } }]
        : REFUSED,
    );
    closers.push(server.close);
    const found = await source([server.address], "_none._tcp.vcc.internal", "_covina._tcp.vcc.internal").find(soon());
    expect(found.map(({ service }) => service)).toEqual(["covina"]);
    await expect(source([server.address], "_none._tcp.vcc.internal").find(soon())).rejects.toEqual(away);
  });

  it("says so when nobody answers, rather than that nobody is there", async () => {
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    closers.push(() => silent.close());
    await expect(source([`127.0.0.1:${silent.address().port}`], "_a1._tcp.vcc.internal").find(soon())).rejects.toEqual(
      away,
    );
  });
});

/** GET /containers/json as the Engine answers it (Docker Engine API v1.43), what is not read left out. */
const CONTAINERS = [
  {
    Id: "8dfafdbc3a40",
    Labels: { "vcc.service": "veritas", "vcc.type": "veritas", "vcc.health-path": "/health", other: "x" },
    Ports: [
      { PrivatePort: 5000, PublicPort: 32768, Type: "tcp", IP: "0.0.0.0" },
      { PrivatePort: 5000, PublicPort: 32768, Type: "tcp", IP: "::" },
      { PrivatePort: 5353, Type: "udp" },
    ],
    State: "running",
    NetworkSettings: { Networks: { "vcc-internal": { IPAddress: "172.20.0.7" }, zz: { IPAddress: "172.21.0.7" } } },
  },
  {
    Labels: { "vcc.service": "clara", "vcc.port": "8001", "vcc.host": "clara.vcc.internal", "vcc.scheme": "http" },
    Ports: [],
  },
  {
    Labels: { "vcc.service": "two-ports" },
    Ports: [
      { PrivatePort: 1, Type: "tcp" },
      { PrivatePort: 2, Type: "tcp" },
    ],
  },
  { Labels: { "vcc.service": "../x", "vcc.port": "1", "vcc.host": "h" } },
  { Labels: { "vcc.service": "host", "vcc.port": "1", "vcc.host": "a/b@c" } },
  { Labels: null, Ports: null, NetworkSettings: null },
];

describe("docker", () => {
  let count = 0;
  async function engine(listener: RequestListener): Promise<string> {
    const socketPath = join(directory, `docker-${++count}.sock`);
    const server = createServer(listener).listen(socketPath);
    await once(server, "listening");
    closers.push(() => server.close());
    return socketPath;
  }
  const find = (socketPath: string, signal = soon()) => dockerSource({ socketPath, organisation: "vcc" }).find(signal);

  it("finds running containers by their labels", async () => {
    const asked: string[] = [];
    const socketPath = await engine((request, response) => {
      asked.push(`${request.method} ${decodeURIComponent(request.url ?? "")}`);
      response.end(JSON.stringify(CONTAINERS));
    });
    const found = await find(socketPath);
    expect(asked).toEqual(['GET /v1.43/containers/json?filters={"label":["vcc.service"],"status":["running"]}']);
    expect(found.map(({ service, host, port, scheme, health }) => [service, host, port, scheme, health?.path])).toEqual(
      [
        ["veritas", "172.20.0.7", 5000, "https", "/health"],
        ["clara", "clara.vcc.internal", 8001, "http", undefined],
      ],
    );
  });

  it.each<[string, RequestListener]>([
    ["refuses", (_, response) => response.writeHead(403).end("{}")],
    ["redirects", (_, response) => response.writeHead(302, { location: "http://169.254.169.254/" }).end()],
    ["talks nonsense", (_, response) => response.end("<html>")],
    ["talks of something else", (_, response) => response.end('{"items":[]}')],
    [
      "breaks off",
      (_, response) => response.writeHead(200, { "content-length": "99" }).write("[", () => response.destroy()),
    ],
    ["never ends", (_, response) => void response.write("[")],
    ["floods", (_, response) => response.end(`["${"x".repeat(17 * 1024 * 1024)}"]`)],
  ])("says so when the Engine %s", async (what, listener) => {
    const signal = what === "never ends" ? AbortSignal.timeout(100) : soon();
    await expect(find(await engine(listener), signal)).rejects.toEqual(away);
  });

  it("says so when there is none", async () => {
    await expect(find(join(directory, "none.sock"))).rejects.toEqual(away);
  });
});

describe("kubernetes", () => {
  const clock = fakeClock(new Date());
  const cluster = createTestHierarchy({ clock });
  const served = cluster.issue({ subjectAltNames: { dns: ["localhost"] } });
  const files = { tokenFile: join(directory, "token"), caFile: join(directory, "ca.crt") };
  writeFileSync(files.tokenFile, "ey.token\n");
  writeFileSync(files.caFile, cluster.trustPem);

  async function api(listener: RequestListener, tls = served): Promise<string> {
    const server = createHttpsServer({ key: tls.keyPem, cert: tls.chainPem }, listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => server.close());
    return `https://localhost:${(server.address() as { port: number }).port}`;
  }
  const find = (url: string) =>
    kubernetesSource({ url, ...files, organisation: "vcc", clusterDomain: "cluster.local" }).find(soon());

  /** A Service as the API gives it, what is not read left out. */
  const service = (name: string, more: object = {}) => ({
    metadata: { name, namespace: "covina", uid: "4b0d", labels: { "vcc.internal/service": name }, ...more },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.7",
      ports: [
        { name: "https", protocol: "TCP", port: 45678, targetPort: 45678 },
        { protocol: "UDP", port: 53 },
      ],
    },
    status: { loadBalancer: {} },
  });

  it("finds Services by their label, page by page, with its token", async () => {
    const asked: string[] = [];
    const url = await api(({ url: path = "", headers }, response) => {
      asked.push(`${headers.authorization} ${decodeURIComponent(path)}`);
      const isSecond = path.includes("continue=");
      const items = isSecond
        ? [service("ingestion")]
        : [service("covina", { annotations: { "vcc.internal/health-path": "/ready" } })];
      response.end(
        JSON.stringify({
          kind: "ServiceList",
          apiVersion: "v1",
          metadata: isSecond ? {} : { continue: "abc=" },
          items,
        }),
      );
    });
    const found = await find(url);
    expect(asked).toEqual([
      "Bearer ey.token /api/v1/services?labelSelector=vcc.internal/service&limit=500",
      "Bearer ey.token /api/v1/services?labelSelector=vcc.internal/service&limit=500&continue=abc=",
    ]);
    expect(found.map(({ service: name, host, port, health }) => [name, host, port, health?.path])).toEqual([
      ["covina", "covina.covina.svc.cluster.local", 45678, "/ready"],
      ["ingestion", "ingestion.covina.svc.cluster.local", 45678, undefined],
    ]);
  });

  it("gives its token to nobody else", async () => {
    let isReached = false;
    const stranger = createTestHierarchy({ clock }).issue({ subjectAltNames: { dns: ["localhost"] } });
    const url = await api(() => {
      isReached = true;
    }, stranger);
    await expect(find(url)).rejects.toEqual(away);
    expect(isReached).toBe(false);
  });

  it("says so when its right is gone, or it is something else", async () => {
    const forbidden = { kind: "Status", status: "Failure", code: 403 };
    await expect(
      find(await api((_, response) => response.writeHead(403).end(JSON.stringify(forbidden)))),
    ).rejects.toEqual(away);
    await expect(find(await api((_, response) => response.end(JSON.stringify(forbidden))))).rejects.toEqual(away);
  });

  it("ends with an API that turns its pages for ever", async () => {
    const endless = JSON.stringify({ kind: "ServiceList", metadata: { continue: "x" }, items: [] });
    expect(await find(await api((_, response) => response.end(endless)))).toEqual([]);
  });
});
