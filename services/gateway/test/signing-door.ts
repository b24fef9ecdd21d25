import { OPERATOR } from "@vcc-pki/ca/harness";
import {
  RecallServiceDefinition,
  SignatureServiceDefinition,
  SignerServiceDefinition,
  VerificationServiceDefinition,
} from "@vcc-pki/proto/signing";
import { connect, suiteId } from "@vcc-pki/rpc";
import { ADMIN, newSigning, type SigningHarness } from "@vcc-pki/signing/harness";
import { silentLogger } from "@vcc-pki/telemetry";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { pemEncode } from "@vcc-pki/x509";
import { certifyPerson, certifyStranger, newDoors } from "./doors.ts";
import type { Answer, Knock, Knocker } from "./https.ts";
import { issueIdentity, peersOf } from "./suite.ts";

export interface SigningDoor {
  readonly signing: SigningHarness;
  /** Root of the suite, PEM. */
  readonly rootPem: string;
  readonly port: number;
  /** Root of the door's own certificate, PEM. */
  readonly trustPem: string;
  /** An administrator of brandenburg. */
  readonly admin: Knocker;
  /** Services of brandenburg. */
  readonly clara: Knocker;
  readonly argus: Knocker;
  /** An administrator of another organisation. */
  readonly stranger: Knocker;
  /** An administrator of the operator's organisation, who is a member of brandenburg. */
  readonly operator: Knocker;
  /** One request over TLS, as the administrator of brandenburg unless told otherwise. */
  knock(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  /** The same at a door whose signing service is at an address where nobody listens. */
  knockWithoutSigning(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  close(): Promise<void>;
}

/** The real door before a real signing service, tsa, ca and hsm-gateway. Its clock stands still at the moment of the start, so that TLS,
 *  which has the machine's, agrees. */
export async function newSigningDoor(): Promise<SigningDoor> {
  const clock = fakeClock(new Date());
  const signing = await newSigning({ clock });
  const { ca, tsa } = signing;
  const services = [...ca.ca.services, ...ca.hsm.services, ...tsa.tsa.services, ...signing.signing.services];
  const rootPem = pemEncode("CERTIFICATE", (await tsa.root()).der);
  const admin = await certifyPerson(ca, services, ADMIN);
  const doors = newDoors(rootPem, clock);
  const nobody = { address: "127.0.0.1:1", identity: doors.identity, expect: suiteId("signing"), log: silentLogger };
  const peers = peersOf("gateway", services, clock);
  const away = {
    signers: connect(SignerServiceDefinition, nobody),
    signatures: connect(SignatureServiceDefinition, nobody),
    recalls: connect(RecallServiceDefinition, nobody),
    verification: connect(VerificationServiceDefinition, nobody),
  };
  const door = await doors.open(peers);
  const without = await doors.open({ ...peers, ...away });
  const certifyService = (name: string) => {
    const names = { dns: [`${name}.vcc.internal`], uri: [`spiffe://vcc.internal/org/brandenburg/service/${name}`] };
    return issueIdentity(peers, "mtls_service", names, ADMIN);
  };
  return {
    ...{ signing, rootPem, admin, port: door.port, trustPem: doors.trustPem },
    ...{ clara: await certifyService("clara"), argus: await certifyService("argus") },
    stranger: await certifyStranger(ca, services),
    operator: await certifyPerson(ca, services, OPERATOR),
    knock: (options) => door.knock({ as: admin, ...options }),
    knockWithoutSigning: (options) => without.knock({ as: admin, ...options }),
    async close() {
      await doors.close();
      for (const remote of Object.values(away)) remote.close();
      await signing.close();
    },
  };
}
