import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaConfig, type RunningCa, startCa } from "@vcc-pki/ca";
import { startRelay } from "@vcc-pki/events";
import { type HsmGatewayHarness, newHsmGateway } from "@vcc-pki/hsm-gateway/harness";
import { OcspConfig, type RunningOcsp, startOcsp } from "@vcc-pki/ocsp";
import {
  type Authority,
  AuthorityServiceDefinition,
  AuthorityState,
  CertificateServiceDefinition,
  type CreateAuthorityRequest,
  CrlServiceDefinition,
  IsolationLevel,
  OrganizationServiceDefinition,
  ProfileServiceDefinition,
  ServiceGrantServiceDefinition,
} from "@vcc-pki/proto/ca";
import {
  AgentServiceDefinition,
  EnrolmentServiceDefinition,
  InventoryServiceDefinition,
  PolicyServiceDefinition,
  RegistryServiceDefinition,
} from "@vcc-pki/proto/discovery";
import { ApprovalServiceDefinition, CustodianServiceDefinition } from "@vcc-pki/proto/hsm";
import {
  HistoryServiceDefinition,
  NotificationServiceDefinition,
  ReportServiceDefinition,
} from "@vcc-pki/proto/lifecycle";
import { StatusServiceDefinition } from "@vcc-pki/proto/ocsp";
import {
  RecallServiceDefinition,
  SignatureServiceDefinition,
  SignerServiceDefinition,
  VerificationServiceDefinition,
} from "@vcc-pki/proto/signing";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import {
  connectInProcess,
  createDenyList,
  type ServiceDefinition,
  type ServiceImplementation,
  type WritableDenyList,
} from "@vcc-pki/rpc";
import { silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { inMemoryBus } from "@vcc-pki/testkit/bus";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { generateTestKey } from "@vcc-pki/testkit/hierarchy";
import { createCertificationRequest, type GeneralNamesInput, pemEncode } from "@vcc-pki/x509";
import { buildGateway, type Peers } from "../src/gateway.ts";
import { type Answer, type Knock, type Knocker, knock } from "./https.ts";

export const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";

const DAY_SECONDS = 86_400;

export type TestIdentity = Knocker & { readonly certificateId: string; readonly serialHex: string };

export interface Suite {
  readonly clock: FakeClock;
  readonly ca: RunningCa;
  readonly ocsp: RunningOcsp;
  /** Three, of whom two must agree. */
  readonly custodians: Awaited<ReturnType<HsmGatewayHarness["registerCustodians"]>>;
  /** The services as the ceremony reaches them. */
  readonly ceremony: Peers;
  readonly denyList: WritableDenyList;
  readonly trustPem: string;
  readonly port: number;
  /** The operator, member of brandenburg. */
  readonly admin: TestIdentity;
  /** Has two custodians approve. */
  approve(approvalId: string): Promise<void>;
  /** Any certificate a profile admits, for a requester through a caller; the ceremony itself unless told otherwise. */
  issue(profile: string, names: GeneralNamesInput, as?: { requester?: string; caller?: string }): Promise<TestIdentity>;
  /** A person of an organisation with a certificate of the Admin CA. */
  person(organisation: string, id: string): Promise<TestIdentity>;
  /** One request over TLS, as the operator unless told otherwise. */
  knock(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  /** Resolves when everything the ca has to tell is on the bus. */
  told(): Promise<void>;
  close(): Promise<void>;
}

/** The suite in one process: a real hsm-gateway over SoftHSM, a real ca and ocsp, the real door over TLS. Made by a ceremony in short: root under
 *  quorum, services, admin, external and platform authorities, the organisations brandenburg and bayern (the operator is a member of
 *  the first alone). Its clock stands still at the moment of the start, so that TLS, which has the machine's, agrees. */
export async function newSuite({ eventHeartbeat = 50 }: { readonly eventHeartbeat?: number } = {}): Promise<Suite> {
  const clock = fakeClock(new Date());
  const directory = mkdtempSync(join(tmpdir(), "vcc-gateway-"));
  const telemetry = startTelemetry({ service: "suite-test" });
  const hsm = await newHsmGateway({ clock });
  const custodians = await hsm.registerCustodians(3, 2);
  const ocspPort = await freePort();
  const statusOrigin = `http://127.0.0.1:${ocspPort}`;
  const ca = await startTestCa(directory, statusOrigin, hsm.services, clock, telemetry);
  const bus = inMemoryBus();
  const relay = startRelay({ store: ca.store, bus, source: "spiffe://vcc.internal/pki/ca", log: silentLogger, clock });

  const ocsp = await startTestOcsp(directory, ocspPort, [...ca.services, ...hsm.services], clock, telemetry);
  const services = [...ca.services, ...hsm.services, ...ocsp.services];
  const ceremony = peersOf("ceremony", services, clock);
  const approve = async (approvalId: string) => {
    for (const custodian of custodians.slice(0, 2)) await custodian.approve(approvalId, ceremony.approvals);
  };
  await makeAuthorities(ceremony, approve);
  await makeOrganisations(ceremony);

  const issue = (profile: string, names: GeneralNamesInput, as: { requester?: string; caller?: string } = {}) =>
    issueIdentity(peersOf(as.caller ?? "ceremony", services, clock), profile, names, as.requester);
  const admin = await issue("admin", { uri: [OPERATOR] }, { requester: OPERATOR });
  const identity = await issue(
    "platform",
    { uri: ["spiffe://vcc.internal/pki/gateway"], dns: ["localhost"], ip: ["127.0.0.1"] },
    { caller: "gateway" },
  );
  const { rootsDer } = await ceremony.authorities.getTrustBundle({});
  const trustPem = rootsDer.map((der) => pemEncode("CERTIFICATE", der)).join("");

  const denyList = createDenyList();
  const app = await buildGateway({
    config: {
      operatorOrganisation: "vcc",
      adminIssuers: ["vcc-admin-ca"],
      workloadIssuers: ["vcc-services-ca"],
      clientIssuersRefresh: 60_000,
      clientStatusRefresh: 5_000,
      rateLimit: { perSecond: 10_000, burst: 10_000 },
      strangers: NO_LIMITS,
      eventHeartbeat,
      statusOrigin,
    },
    trustDomain: "vcc.internal",
    peers: peersOf("gateway", services, clock),
    identity: { current: () => ({ ...identity, trustPem }), onChange: () => () => {} },
    ...{ denyList, bus, clock, telemetry, log: silentLogger },
    health: async () => ({ ca: true, "hsm-gateway": (await hsm.ready()).token ?? "?" }),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;

  return {
    ...{ clock, ca, ocsp, custodians, ceremony, approve, issue, admin, trustPem, denyList, port },
    person: (organisation: string, id: string) => {
      const uri = `spiffe://vcc.internal/org/${organisation}/admin/${id}`;
      return issue("admin", { uri: [uri] }, { requester: uri });
    },
    knock: (options: Omit<Knock, "port" | "trustPem">) => knock({ port, trustPem, as: admin, ...options }),
    told: () => relay.drain(),
    async close() {
      await app.close();
      await relay.stop();
      await ocsp.close();
      await ca.close();
      await hsm.close();
      await telemetry.shutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startTestCa(
  directory: string,
  publicBaseUrl: string,
  hsmServices: readonly ServiceImplementation[],
  clock: FakeClock,
  telemetry: ReturnType<typeof startTelemetry>,
): Promise<RunningCa> {
  const config = CaConfig.parse({
    ...baseOf(directory, "ca"),
    operator: { organisation: "vcc", name: "VCC" },
    profilesDir: new URL("../../../deploy/profiles", import.meta.url).pathname,
    publicBaseUrl,
    platformNames: { gateway: { dns: ["localhost"], ip: ["127.0.0.1"] } },
  });
  return startCa(config, {
    ...{ clock, telemetry, log: silentLogger, trustDomain: "vcc.internal", denyList: createDenyList() },
    ...{ bus: undefined, identity: undefined },
    connect: (definition) => connectInProcess(hsmServices, definition, { caller: "ca", clock }),
  });
}

function startTestOcsp(
  directory: string,
  port: number,
  others: readonly ServiceImplementation[],
  clock: FakeClock,
  telemetry: ReturnType<typeof startTelemetry>,
): Promise<RunningOcsp> {
  const config = OcspConfig.parse({
    ...baseOf(directory, "ocsp"),
    ...{ http: { host: "127.0.0.1", port }, organisation: "vcc" },
  });
  return startOcsp(config, {
    ...{ clock, telemetry, log: silentLogger, trustDomain: "vcc.internal", denyList: createDenyList() },
    ...{ bus: undefined, identity: undefined },
    connect: (definition) => connectInProcess(others, definition, { caller: "ocsp", clock }),
  });
}

export const NO_LIMITS = {
  perAddress: { perSecond: 10_000, burst: 10_000 },
  together: { perSecond: 10_000, burst: 10_000 },
};

const NOWHERE = { host: "127.0.0.1", port: 0 };

/** What each service is told, with a database of its own. */
function baseOf(directory: string, service: string) {
  const keyFile = join(directory, `${service}.key`);
  writeFileSync(keyFile, randomBytes(32).toString("hex"), { mode: 0o600 });
  const store = { file: join(directory, `${service}.db`), keyFile };
  return { listen: NOWHERE, health: NOWHERE, identityDir: "/nowhere", store };
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** The services as one of the suite's callers reaches them. */
export function peersOf(caller: string, services: readonly ServiceImplementation[], clock: FakeClock): Peers {
  const at = <D extends ServiceDefinition>(definition: D, mayForward?: readonly string[]) =>
    connectInProcess(services, definition, { caller, clock, mayForward });
  const atCa = <D extends ServiceDefinition>(definition: D) => at(definition, ["gateway", "ceremony"]);
  return {
    organisations: atCa(OrganizationServiceDefinition),
    authorities: atCa(AuthorityServiceDefinition),
    profiles: atCa(ProfileServiceDefinition),
    certificates: atCa(CertificateServiceDefinition),
    crls: atCa(CrlServiceDefinition),
    approvals: at(ApprovalServiceDefinition),
    custodians: at(CustodianServiceDefinition),
    status: at(StatusServiceDefinition),
    timestamps: at(TimestampServiceDefinition),
    signers: at(SignerServiceDefinition),
    signatures: at(SignatureServiceDefinition),
    recalls: at(RecallServiceDefinition),
    verification: at(VerificationServiceDefinition),
    inventory: at(InventoryServiceDefinition),
    grants: atCa(ServiceGrantServiceDefinition),
    registry: at(RegistryServiceDefinition),
    enrolment: at(EnrolmentServiceDefinition),
    agents: at(AgentServiceDefinition),
    policy: at(PolicyServiceDefinition),
    history: at(HistoryServiceDefinition),
    reports: at(ReportServiceDefinition),
    notifications: at(NotificationServiceDefinition),
  };
}

const EVERY_SERVICE_PROFILE = ["mtls_service", "mtls_service_short", "vcc_service_template"];

async function makeAuthorities({ authorities }: Peers, approve: (approvalId: string) => Promise<void>): Promise<void> {
  const make = async (authorityId: string, more: Partial<CreateAuthorityRequest>): Promise<Authority> => {
    const wanted: CreateAuthorityRequest = {
      ...{
        requestId: randomUUID(),
        organisation: "vcc",
        authorityId,
        parentId: "vcc-root-ca",
        commonName: authorityId,
      },
      ...{ keyAlgorithm: "ec-p256", validityDays: 0, profiles: [], mayIssueAuthorities: false },
      ...{ nameConstraints: undefined, quorumThreshold: 0, ...more },
    };
    const made = await authorities.create(wanted, { requester: OPERATOR });
    if (made.state !== AuthorityState.PENDING) return made;
    await approve(made.approvalId);
    return authorities.create(wanted, { requester: OPERATOR });
  };
  await make("vcc-root-ca", { parentId: "", quorumThreshold: 2 });
  await make("vcc-services-ca", { profiles: EVERY_SERVICE_PROFILE });
  await make("vcc-admin-ca", { profiles: ["admin"] });
  await make("vcc-platform-ca", { profiles: ["platform"] });
  await make("vcc-external-orgs-ca", { mayIssueAuthorities: true, profiles: ["external_integration"] });
}

async function makeOrganisations({ organisations }: Peers): Promise<void> {
  const make = (organisation: string, allowedNames: string[]) =>
    organisations.create(
      {
        ...{ requestId: randomUUID(), organisation, name: organisation, allowedNames, adminContact: "" },
        ...{ isolationLevel: IsolationLevel.STRICT, isolationPolicy: undefined, allowedNetworks: ["10.0.0.0/8"] },
        authorityIds: ["vcc-services-ca", "vcc-admin-ca", "vcc-external-orgs-ca"],
      },
      { requester: OPERATOR },
    );
  await make("brandenburg", ["*.vcc.internal"]);
  await make("bayern", ["*.bayern.example"]);
  const membership = { organisation: "brandenburg", identity: OPERATOR, expiresAt: undefined };
  await organisations.grantMembership({ requestId: randomUUID(), membership }, { requester: OPERATOR });
}

export async function issueIdentity(
  { certificates }: Peers,
  profile: string,
  subjectAltNames: GeneralNamesInput,
  requester: string | undefined,
): Promise<TestIdentity> {
  const { privateKey } = generateTestKey();
  const csrDer = createCertificationRequest({ privateKey, subjectAltNames });
  const { certificate, chainDer } = await certificates.issue(
    { requestId: randomUUID(), organisation: "", profile, csrDer, authorityId: "", validitySeconds: DAY_SECONDS },
    { requester },
  );
  return {
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    chainPem: chainDer.map((der) => pemEncode("CERTIFICATE", der)).join(""),
    certificateId: certificate?.certificateId ?? "",
    serialHex: certificate?.serialHex ?? "",
  };
}
