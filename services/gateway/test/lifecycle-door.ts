import { type LifecycleHarness, newLifecycle } from "@vcc-pki/lifecycle/harness";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { pemEncode } from "@vcc-pki/x509";
import { certifyPerson, certifyStranger, newDoors, type OpenDoor } from "./doors.ts";
import type { Knocker } from "./https.ts";
import { issueIdentity, peersOf } from "./suite.ts";

const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/anna";

export interface LifecycleDoor extends OpenDoor {
  readonly lifecycle: LifecycleHarness;
  /** Root of the suite, PEM. */
  readonly rootPem: string;
  /** Root of the door's own certificate, PEM. */
  readonly trustPem: string;
  /** An administrator of brandenburg. */
  readonly admin: Knocker;
  /** A service of brandenburg. */
  readonly argus: Knocker;
  /** An administrator of another organisation. */
  readonly stranger: Knocker;
  close(): Promise<void>;
}

/** The real door before a real lifecycle service, ca and hsm-gateway. Its clock stands still at the moment of the start, so that TLS, which has
 *  the machine's, agrees. */
export async function newLifecycleDoor(): Promise<LifecycleDoor> {
  const clock = fakeClock(new Date());
  const lifecycle = await newLifecycle({ clock });
  const { ca } = lifecycle;
  const services = [...ca.ca.services, ...ca.hsm.services, ...lifecycle.lifecycle.services];
  const peers = peersOf("gateway", services, clock);
  const { rootsDer } = await peers.authorities.getTrustBundle({}, { requester: ADMIN });
  const rootPem = rootsDer.map((der) => pemEncode("CERTIFICATE", der)).join("");
  const admin = await certifyPerson(ca, services, ADMIN);
  const doors = newDoors(rootPem, clock);
  const { port, knock } = await doors.open(peers);
  const names = { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/org/brandenburg/service/argus"] };
  return {
    ...{ lifecycle, rootPem, admin, port, trustPem: doors.trustPem },
    argus: await issueIdentity(peers, "mtls_service", names, ADMIN),
    stranger: await certifyStranger(ca, services),
    knock: (options) => knock({ as: admin, ...options }),
    async close() {
      await doors.close();
      await lifecycle.close();
    },
  };
}
