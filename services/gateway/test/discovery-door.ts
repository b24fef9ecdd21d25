import { type DiscoveryHarness, type DiscoveryHarnessOptions, newDiscovery } from "@vcc-pki/discovery/harness";
import {
  AgentServiceDefinition,
  EnrolmentServiceDefinition,
  PolicyServiceDefinition,
  RegistryServiceDefinition,
} from "@vcc-pki/proto/discovery";
import { connect, suiteId } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { pemEncode } from "@vcc-pki/x509";
import { certifyPerson, certifyStranger, newDoors } from "./doors.ts";
import type { Answer, Knock, Knocker } from "./https.ts";
import { issueIdentity, peersOf } from "./suite.ts";

const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/anna";

export interface DiscoveryDoor {
  readonly discovery: DiscoveryHarness;
  /** Root of the suite, PEM. */
  readonly rootPem: string;
  readonly port: number;
  /** Root of the door's own certificate, PEM. */
  readonly trustPem: string;
  /** An administrator of brandenburg. */
  readonly admin: Knocker;
  /** A service of brandenburg. */
  readonly argus: Knocker;
  /** An administrator of another organisation. */
  readonly stranger: Knocker;
  /** One request over TLS, as the administrator of brandenburg unless told otherwise. */
  knock(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  /** The same at a door whose discovery service is at an address where nobody listens. */
  knockWithoutDiscovery(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  close(): Promise<void>;
}

/** The real door before a real discovery service, ca and hsm-gateway. Its clock stands still at the moment of the start, so that TLS, which has
 *  the machine's, agrees. */
export async function newDiscoveryDoor(config: DiscoveryHarnessOptions["config"] = {}): Promise<DiscoveryDoor> {
  const clock = fakeClock(new Date());
  const discovery = await newDiscovery({ clock, config });
  const { ca } = discovery;
  const services = [...ca.ca.services, ...ca.hsm.services, ...discovery.discovery.services];
  const peers = peersOf("gateway", services, clock);
  const { rootsDer } = await peers.authorities.getTrustBundle({}, { requester: ADMIN });
  const rootPem = rootsDer.map((der) => pemEncode("CERTIFICATE", der)).join("");
  const admin = await certifyPerson(ca, services, ADMIN);
  const doors = newDoors(rootPem, clock);
  const nobody = { address: "127.0.0.1:1", identity: doors.identity, expect: suiteId("discovery"), log: silentLogger };
  const away = {
    policy: connect(PolicyServiceDefinition, nobody),
    registry: connect(RegistryServiceDefinition, nobody),
    enrolment: connect(EnrolmentServiceDefinition, nobody),
    agents: connect(AgentServiceDefinition, nobody),
  };
  const door = await doors.open(peers);
  const without = await doors.open({ ...peers, ...away });
  const names = { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/org/brandenburg/service/argus"] };
  return {
    ...{ discovery, rootPem, admin, port: door.port, trustPem: doors.trustPem },
    argus: await issueIdentity(peers, "mtls_service", names, ADMIN),
    stranger: await certifyStranger(ca, services),
    knock: (options) => door.knock({ as: admin, ...options }),
    knockWithoutDiscovery: (options) => without.knock({ as: admin, ...options }),
    async close() {
      await doors.close();
      for (const remote of Object.values(away)) remote.close();
      await discovery.close();
    },
  };
}
export { newIdentityRequest } from "./requests.ts";
