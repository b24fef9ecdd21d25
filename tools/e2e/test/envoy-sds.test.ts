import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contextOf, enrol, runAgent, servedAt } from "@vcc-pki/agent";
import { newAgent } from "@vcc-pki/agent/test-agent";
import { newDoor } from "@vcc-pki/agent/test-door";
import { describe, expect, it, onTestFinished } from "vitest";
import { startCalls } from "./calls.ts";
import { findEnvoy, startEnvoy } from "./envoy.ts";

const PORT = 18_452;
const EXTENSIONS = "type.googleapis.com/envoy.extensions";

/** An Envoy that has no files: certificate and roots come over SDS, from the socket. It answers 200 itself. */
function bootstrap(socket: string, secret: string): object {
  const sds = (name: string) => ({
    name,
    sds_config: {
      resource_api_version: "V3",
      api_config_source: {
        ...{ api_type: "GRPC", transport_api_version: "V3" },
        grpc_services: [{ envoy_grpc: { cluster_name: "sds" } }],
      },
    },
  });
  const cluster = {
    ...{ name: "sds", type: "STATIC", connect_timeout: "2s" },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: "sds",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
    },
  };
  const manager = {
    "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "in",
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      { name: "envoy.filters.http.router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } },
    ],
  };
  const tls = {
    "@type": `${EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: {
      tls_certificate_sds_secret_configs: [sds(secret)],
      validation_context_sds_secret_config: sds("ROOTCA"),
    },
  };
  const chain = {
    transport_socket: { name: "envoy.transport_sockets.tls", typed_config: tls },
    filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: PORT } };
  return {
    node: { id: "envoy-1", cluster: "test" },
    static_resources: { listeners: [{ address, filter_chains: [chain] }], clusters: [cluster] },
  };
}

const found = await findEnvoy();

describe.skipIf("reason" in found)(`a real Envoy${"reason" in found ? ` (none here: ${found.reason})` : ""}`, () => {
  it("takes its certificate from the agent, and the next one without dropping a call", async () => {
    if (!("file" in found)) return;
    const door = await newDoor();
    const agent = newAgent(door);
    const socket = join(mkdtempSync(join(tmpdir(), "vcc-sds-")), "sds.sock");
    const identity = { ...agent.identity, layout: undefined };
    const settings = { ...agent.settings, identities: [identity], sds: { socket, mode: 0o600 } };
    const stop = new AbortController();
    const running = runAgent(settings, agent.world, stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    // Envoy is there first, and waits for its secret.
    const envoy = startEnvoy(found.file, bootstrap(socket, identity.spiffeId), PORT);
    onTestFinished(async () => (await envoy).stop());
    const contact = { server: door.origin, fingerprint: door.fingerprint };
    await enrol(contextOf(identity, settings, agent.world), contact, { kind: "token", token: door.newToken() });
    await envoy;
    const address = `127.0.0.1:${PORT}`;
    await expect.poll(() => servedAt(address).catch(String), { timeout: 70_000 }).toBe(door.issued[0]);

    const load = startCalls(PORT, "argus.vcc.internal", door.hierarchy.trustPem);
    await expect.poll(() => load.done).toBeGreaterThan(50);
    for (let n = 1; n <= 3; n++) {
      await expect.poll(() => door.watchers.size, { timeout: 10_000 }).toBe(1);
      door.tell("renew", { reason: "test" });
      await expect.poll(() => door.issued.length, { timeout: 10_000 }).toBe(n + 1);
      await expect.poll(() => servedAt(address), { timeout: 10_000 }).toBe(door.issued[n]);
    }
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(door.issued).toHaveLength(4);
  }, 120_000);
});
