import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type HealthServer, type ReadinessReport, startHealthServer, startTelemetry } from "./index.ts";

describe("health server", () => {
  const telemetry = startTelemetry({ service: "test" });
  let server: HealthServer;
  afterEach(() => server?.close());

  const start = async (isReady: () => Promise<ReadinessReport> = async () => ({})) => {
    const { handleMetrics } = telemetry;
    server = await startHealthServer({ port: 0, handleMetrics, isReady, readyTimeoutMs: 50 });
    return (path: string, method = "GET") => fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  };

  it("serves metrics of the process and of the service in the Prometheus format", async () => {
    const counter = telemetry.meter.createCounter("pki.certificates.issued", { description: "Certificates issued" });
    counter.add(2, { profile: "mtls_service" });
    const get = await start();
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain");
    const text = await response.text();
    expect(text).toContain('pki_certificates_issued_total{profile="mtls_service"} 2');
    expect(Number(/^process_memory_usage\S* (\d+)/m.exec(text)?.[1])).toBeGreaterThan(1e6);
    expect(text).toMatch(/^nodejs_eventloop_delay_p99/m);
    expect(text).toMatch(/^process_cpu_time\S* [\d.]+$/m);
  });

  it("is alive whatever else", async () => {
    const get = await start(async () => ({ store: "STORE_UNAVAILABLE" }));
    expect((await get("/healthz")).status).toBe(200);
  });

  it("is ready when every check is", async () => {
    const get = await start(async () => ({ store: true, hsm: true }));
    const response = await get("/readyz");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ready: true, checks: { store: true, hsm: true } });
  });

  it.each<[string, () => Promise<ReadinessReport>, Record<string, unknown>]>([
    [
      "one check is not",
      async () => ({ store: true, hsm: "HSM_UNAVAILABLE" }),
      { store: true, hsm: "HSM_UNAVAILABLE" },
    ],
    ["the check throws", () => Promise.reject(new Error("PIN 1234")), { readiness: "check failed" }],
    ["the check hangs", () => new Promise(() => {}), { readiness: "no answer in time" }],
  ])("is not ready when %s", async (_case, isReady, checks) => {
    const get = await start(isReady);
    const response = await get("/readyz");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ ready: false, checks });
  });

  it("answers HEAD like GET without a body", async () => {
    const get = await start(async () => ({ hsm: "HSM_UNAVAILABLE" }));
    for (const [path, status] of Object.entries({ "/metrics": 200, "/healthz": 200, "/readyz": 503 })) {
      const response = await get(path, "HEAD");
      expect([response.status, await response.text()]).toEqual([status, ""]);
    }
  });

  it.each([
    ["/", "GET"],
    ["/metrics/", "GET"],
    ["/constructor", "GET"],
    ["/healthz", "POST"],
    ["/metrics", "DELETE"],
  ])("knows nothing of %s by %s", async (path, method) => {
    const get = await start();
    expect((await get(path, method)).status).toBe(404);
  });

  it("rejects when its port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const options = { port, handleMetrics: telemetry.handleMetrics, isReady: async () => ({}) };
    await expect(startHealthServer(options)).rejects.toMatchObject({ code: "EADDRINUSE" });
    other.close();
  });
});
