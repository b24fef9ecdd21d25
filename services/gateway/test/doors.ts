import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { brandenburg, type CaHarness } from "@vcc-pki/ca/harness";
import { createDenyList, type IdentitySource, type ServiceImplementation, suiteId } from "@vcc-pki/rpc";
import { silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import type { FakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { buildGateway, type Peers } from "../src/gateway.ts";
import { type Answer, type Knock, type Knocker, knock } from "./https.ts";
import { issueIdentity, NO_LIMITS, OPERATOR, peersOf } from "./suite.ts";

type Request = Omit<Knock, "port" | "trustPem">;

export interface Doors {
  /** The gateway's own identity. */
  readonly identity: IdentitySource;
  /** Root of the doors' own certificate, PEM. */
  readonly trustPem: string;
  /** The real gateway before these peers, on a free port. */
  open(peers: Peers): Promise<OpenDoor>;
  close(): Promise<void>;
}

export interface OpenDoor {
  readonly port: number;
  /** One request over TLS. */
  knock(options: Request): Promise<Answer>;
}

/** Doors before services of a test. Their TLS is by an authority of the test's own; clients come with certificates of `rootPem`. */
export function newDoors(rootPem: string, clock: FakeClock): Doors {
  const hierarchy = createTestHierarchy({ clock: systemClock });
  const subjectAltNames = { uri: [suiteId("gateway")], dns: ["localhost"], ip: ["127.0.0.1"] };
  const { keyPem, chainPem } = hierarchy.root.issueAuthority("VCC Platform CA", 0).issue({ subjectAltNames });
  const identity: IdentitySource = {
    current: () => ({ keyPem, chainPem, trustPem: rootPem }),
    onChange: () => () => {},
  };
  const telemetry = startTelemetry({ service: "gateway-test" });
  const closing: (() => Promise<void>)[] = [];
  return {
    ...{ identity, trustPem: hierarchy.trustPem },
    async open(peers) {
      const app = await buildGateway({
        config: {
          ...{ operatorOrganisation: "vcc", adminIssuers: ["vcc-admin-ca"], workloadIssuers: ["vcc-services-ca"] },
          ...{ clientIssuersRefresh: 60_000, clientStatusRefresh: 5_000, eventHeartbeat: 1_000 },
          ...{ rateLimit: { perSecond: 10_000, burst: 10_000 }, statusOrigin: "http://127.0.0.1:1" },
          strangers: NO_LIMITS,
        },
        ...{ trustDomain: "vcc.internal", peers, identity, denyList: createDenyList(), bus: undefined },
        ...{ health: async () => ({}), clock, log: silentLogger, telemetry },
      });
      await app.listen({ host: "127.0.0.1", port: 0 });
      closing.push(() => app.close());
      const { port } = app.server.address() as AddressInfo;
      return { port, knock: (options) => knock({ port, trustPem: hierarchy.trustPem, ...options }) };
    },
    async close() {
      for (const close of closing) await close();
      await telemetry.shutdown();
    },
  };
}

/** A person with a certificate of the Admin CA. */
export function certifyPerson(
  ca: CaHarness,
  services: readonly ServiceImplementation[],
  uri: string,
): Promise<Knocker> {
  return issueIdentity(peersOf("ceremony", services, ca.clock), "admin", { uri: [uri] }, uri);
}

/** An administrator of the organisation bayern, which has nothing to do with the others. */
export async function certifyStranger(ca: CaHarness, services: readonly ServiceImplementation[]): Promise<Knocker> {
  const { organisations } = ca.as("ceremony", OPERATOR);
  const names = { allowedNames: ["*.bayern.example"], allowedNetworks: [] };
  const bayern = { ...brandenburg, ...names, organisation: "bayern", name: "Bayern", authorityIds: ["vcc-admin-ca"] };
  await organisations.create({ ...bayern, requestId: randomUUID() });
  return certifyPerson(ca, services, "spiffe://vcc.internal/org/bayern/admin/xaver");
}
