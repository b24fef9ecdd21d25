import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import {
  connect,
  connectInProcess,
  type Remote,
  type RpcServer,
  type ServeOptions,
  serve,
  suiteId,
} from "../src/index.ts";
import { EchoDefinition, type EchoOptions, echoService } from "./echo.ts";
import { createTestIdentities, type TestIdentity } from "./identities.ts";

export const identities = createTestIdentities();
export const SERVER = suiteId("ca");
export const gateway: TestIdentity = identities.forUri(suiteId("gateway"));

/** The echo service behind real mutual TLS. */
export function serveEcho(options: Partial<ServeOptions> = {}, echo: EchoOptions = {}): Promise<RpcServer> {
  return serve({
    ...{ host: "127.0.0.1", port: 0, identity: identities.forUri(SERVER), services: [echoService(echo)] },
    ...{ mayForward: ["gateway"], clock: systemClock, log: silentLogger },
    ...options,
  });
}

/** A client of it. */
export function connectEcho(port: number, identity = gateway, expect = SERVER) {
  return connect(EchoDefinition, { address: `127.0.0.1:${port}`, identity, expect, log: silentLogger });
}

interface Opened {
  readonly remote: Remote<typeof EchoDefinition>;
  close(): Promise<void>;
}

/** Both ways to reach the echo service as the gateway. What a test says of one, it says of the other. */
export const TRANSPORTS: Readonly<Record<string, (echo?: EchoOptions) => Promise<Opened>>> = {
  async "over mutual TLS"(echo) {
    const server = await serveEcho({}, echo);
    const remote = connectEcho(server.port);
    return {
      remote,
      async close() {
        remote.close();
        await server.close(0);
      },
    };
  },
  async "in the same process"(echo) {
    const options = { caller: "gateway", clock: systemClock, mayForward: ["gateway"] };
    return { remote: connectInProcess(echoService(echo), EchoDefinition, options), close: async () => {} };
  },
};
