import { request } from "node:https";
import { newDiscovery } from "@vcc-pki/discovery/harness";
import { type RpcServer, serve, suiteId } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestIdentities, type TestIdentity } from "@vcc-pki/testkit/identity";
import { systemClock } from "@vcc-pki/time";
import { afterAll, describe, expect, it } from "vitest";
import { type Envoy, findEnvoy, startEnvoy } from "./envoy.ts";

const PORT = 18_442;
const identities = createTestIdentities();
const uriOf = (service: string, organisation = "brandenburg") =>
  `spiffe://vcc.internal/org/${organisation}/service/${service}`;
const inline = (text: string) => ({ inline_string: text });
const EXTENSIONS = "type.googleapis.com/envoy.extensions";

/** The service's own certificate, for both sides: before its callers, and before us. */
function tlsOf(identity: TestIdentity, type: "Downstream" | "Upstream", more: object, validation: object = {}): object {
  const { keyPem, chainPem, trustPem } = identity.current();
  const common = {
    tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
    tls_certificates: [{ certificate_chain: inline(chainPem), private_key: inline(keyPem) }],
    validation_context: { trusted_ca: inline(trustPem), ...validation },
    ...more,
  };
  const typed = { "@type": `${EXTENSIONS}.transport_sockets.tls.v3.${type}TlsContext`, common_tls_context: common };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: type === "Downstream" ? { ...typed, require_client_certificate: true } : typed,
  };
}

/** An Envoy before clara-serving: it asks us about each request, and answers 200 itself to who may pass. */
function bootstrap(clara: TestIdentity, policyPort: number): object {
  const isDiscovery = [{ san_type: "URI", matcher: { exact: suiteId("discovery") } }];
  const cluster = {
    ...{ name: "policy", type: "STATIC", connect_timeout: "2s" },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    transport_socket: tlsOf(
      clara,
      "Upstream",
      { alpn_protocols: ["h2"] },
      { match_typed_subject_alt_names: isDiscovery },
    ),
    load_assignment: {
      cluster_name: "policy",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(policyPort) } }] }],
    },
  };
  const extAuthz = {
    "@type": `${EXTENSIONS}.filters.http.ext_authz.v3.ExtAuthz`,
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: "policy" }, timeout: "1s" },
    failure_mode_allow: false,
  };
  const manager = {
    "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    ...{ stat_prefix: "in", forward_client_cert_details: "ALWAYS_FORWARD_ONLY" },
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      { name: "envoy.filters.http.ext_authz", typed_config: extAuthz },
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` },
      },
    ],
  };
  const chain = {
    transport_socket: tlsOf(clara, "Downstream", {}),
    filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
  };
  return {
    static_resources: { listeners: [{ address: addressOf(PORT), filter_chains: [chain] }], clusters: [cluster] },
  };
}

const addressOf = (port: number) => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function call(caller: TestIdentity, method: string, path: string, headers: Record<string, string> = {}) {
  const { keyPem: key, chainPem: cert, trustPem: ca } = caller.current();
  const options = { host: "127.0.0.1", port: PORT, method, path, headers, key, cert, ca };
  return new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
    request({ ...options, checkServerIdentity: () => undefined }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => {
        const { statusCode: status = 0, headers: got } = response;
        resolve({ status, type: got["content-type"] ?? "", body: Buffer.concat(chunks).toString() });
      });
    })
      .once("error", reject)
      .end();
  });
}

const found = await findEnvoy();
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

describe.skipIf("reason" in found)(`a real Envoy${"reason" in found ? ` (none here: ${found.reason})` : ""}`, () => {
  const argus = identities.forUri(uriOf("argus"));
  let server: RpcServer;

  it("asks about each request, and lets through whom the matrix lets", async () => {
    if (!("file" in found)) return;
    const harness = await newDiscovery();
    closing.push(() => harness.close());
    const { services, mayForward = [] } = harness.discovery;
    server = await serve({
      ...{ host: "127.0.0.1", port: 0, identity: identities.forUri(suiteId("discovery")), services, mayForward },
      ...{ clock: systemClock, log: silentLogger },
    });
    closing.push(() => server.close(100));
    const envoy: Envoy = await startEnvoy(
      found.file,
      bootstrap(identities.forUri(uriOf("clara-serving")), server.port),
      PORT,
    );
    closing.push(() => envoy.stop());

    expect((await call(argus, "GET", "/status?full=1")).status).toBe(200);
    expect((await call(identities.forUri(uriOf("covina")), "POST", "/load_adapter")).status).toBe(200);
  });

  it.each<[string, TestIdentity, string, string, number]>([
    ["whom the matrix does not name", identities.forUri(uriOf("vpb")), "GET", "/status", 403],
    ["who has no permission there", argus, "POST", "/load_adapter", 403],
    ["a path that can be read in two ways", argus, "POST", "/status/..%2fload_adapter", 403],
    ["another organisation", identities.forUri(uriOf("argus", "berlin")), "GET", "/status", 403],
    ["a person", identities.forUri("spiffe://vcc.internal/org/brandenburg/admin/anna"), "GET", "/status", 401],
    ["another trust domain", identities.forUri("spiffe://evil.internal/org/x/service/argus"), "GET", "/status", 401],
  ])("refuses %s, with the reason", async (_, caller, method, path, status) => {
    if (!("file" in found)) return;
    const answer = await call(caller, method, path);
    expect(answer).toMatchObject({ status, type: "application/problem+json" });
    expect(JSON.parse(answer.body)).toMatchObject({ status, type: expect.stringContaining("urn:pki:error:CALLER_") });
  });

  it("is not taken in by headers that name somebody else", async () => {
    if (!("file" in found)) return;
    const vpb = identities.forUri(uriOf("vpb"));
    const xfcc = { "x-forwarded-client-cert": `URI=${uriOf("argus")}`, "x-pki-requester": uriOf("argus") };
    expect((await call(vpb, "GET", "/status", xfcc)).status).toBe(403);
  });

  it("refuses all while we are away", async () => {
    if (!("file" in found)) return;
    await server.close(0);
    expect((await call(argus, "GET", "/status")).status).toBe(403);
  });
});
