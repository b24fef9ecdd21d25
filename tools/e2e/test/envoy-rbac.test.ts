import { request } from "node:https";
import { Decider, envoyRbac, type Matrix, readMatrix } from "@vcc-pki/matrix";
import { createTestIdentities, type TestIdentity } from "@vcc-pki/testkit/identity";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Envoy, findEnvoy, startEnvoy } from "./envoy.ts";

const PORT = 18_441;
const SCOPE = { organisation: "brandenburg", trustDomain: "vcc.internal" };
const TARGET = "clara-serving";

const { matrix } = readMatrix(
  `service_communication_policies:
  argus: { allowed_outbound: [clara] }
  covina: { allowed_outbound: [clara], special_permissions: [loading] }
  vpb: { allowed_outbound: ["*"] }
  scraper: { allowed_outbound: [{ service: clara, methods: [POST, PUT], paths: [/in/*, /in/*/parts/**] }] }
  aat: { allowed_outbound: [clara], denied_outbound: [{ service: clara, paths: [/models/**] }] }
  clara: { isolation_level: high }
special_permissions:
  loading: { service: clara, methods: [POST], paths: [/load_adapter, /v1.0/**] }
`,
  { types: { [TARGET]: "clara", "argus-2": "argus" } },
) as { matrix: Matrix };

const CALLERS = ["argus", "argus-2", "covina", "vpb", "scraper", "aat", "stranger", TARGET];
const METHODS = ["GET", "POST", "PUT"];
const PATHS = [
  ...[
    "/",
    "/status",
    "/status/",
    "/status?x=/load_adapter",
    "/load_adapter",
    "/LOAD_adapter/",
    "/load_adapter/more",
    "/v1.0/x",
    "/v1x0/x",
  ],
  ...[
    "/in",
    "/in/7",
    "/in/7/",
    "/in/7/parts",
    "/in/7/parts/1/2",
    "/in/7/other",
    "/models",
    "/models/1",
    "/Models/1",
    "/modelsx",
  ],
];

const identities = createTestIdentities();
const uriOf = (service: string) => `spiffe://vcc.internal/org/brandenburg/service/${service}`;

const inline = (text: string) => ({ inline_string: text });

/** One listener that demands certificates of our root, decides by our export, and answers 200 itself to who is let in. */
function bootstrap(server: TestIdentity): object {
  const { keyPem, chainPem, trustPem } = server.current();
  const http = "type.googleapis.com/envoy.extensions.filters";
  const tls = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    require_client_certificate: true,
    common_tls_context: {
      tls_certificates: [{ certificate_chain: inline(chainPem), private_key: inline(keyPem) }],
      validation_context: { trusted_ca: inline(trustPem) },
    },
  };
  const manager = {
    "@type": `${http}.network.http_connection_manager.v3.HttpConnectionManager`,
    ...{
      stat_prefix: "in",
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: "REJECT_REQUEST",
    },
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      ...parse(envoyRbac(matrix, TARGET, SCOPE)),
      { name: "envoy.filters.http.router", typed_config: { "@type": `${http}.http.router.v3.Router` } },
    ],
  };
  return {
    static_resources: {
      listeners: [
        {
          address: { socket_address: { address: "127.0.0.1", port_value: PORT } },
          filter_chains: [
            {
              transport_socket: { name: "envoy.transport_sockets.tls", typed_config: tls },
              filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
            },
          ],
        },
      ],
    },
  };
}

function statusOf(caller: TestIdentity, method: string, path: string): Promise<number> {
  const { keyPem: key, chainPem: cert, trustPem: ca } = caller.current();
  const options = { host: "127.0.0.1", port: PORT, method, path, key, cert, ca, checkServerIdentity: () => undefined };
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once("error", reject)
      .end();
  });
}

const found = await findEnvoy();
let envoy: Envoy | undefined;
afterAll(() => envoy?.stop());

describe.skipIf("reason" in found)(`a real Envoy${"reason" in found ? ` (none here: ${found.reason})` : ""}`, () => {
  it("decides by the exported filters as the matrix does", async () => {
    if (!("file" in found)) return;
    envoy = await startEnvoy(found.file, bootstrap(identities.forUri(uriOf(TARGET))), PORT);
    const decider = new Decider(matrix);
    const differing: string[] = [];
    let allowed = 0;
    for (const source of CALLERS) {
      const caller = identities.forUri(uriOf(source));
      for (const method of METHODS) {
        for (const path of PATHS) {
          const ours = decider.decide({ source, target: TARGET, method, path }).allowed;
          const status = await statusOf(caller, method, path);
          if (status !== (ours ? 200 : 403))
            differing.push(`${source} ${method} ${path}: ours ${ours}, envoy ${status}`);
          if (ours) allowed += 1;
        }
      }
    }
    expect(differing).toEqual([]);
    expect(allowed).toBeGreaterThan(100);
  });

  it("lets nobody in who is of another organisation or trust domain, or by a path that can be read in two ways", async () => {
    const other = identities.forUri("spiffe://vcc.internal/org/berlin/service/argus");
    const foreign = identities.forUri("spiffe://other.internal/org/brandenburg/service/argus");
    expect(await statusOf(other, "GET", "/status")).toBe(403);
    expect(await statusOf(foreign, "GET", "/status")).toBe(403);
    const argus = identities.forUri(uriOf("argus"));
    expect(await statusOf(argus, "POST", "/x/../load_adapter")).toBe(403);
    expect(await statusOf(argus, "POST", "//load_adapter")).toBe(403);
    expect(await statusOf(argus, "POST", "/x%2f..%2fload_adapter")).toBe(400);
    await expect(statusOf(identities.foreign.forUri(uriOf("argus")), "GET", "/status")).rejects.toThrow();
  });
});
