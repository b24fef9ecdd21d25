import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HsmGatewayHarness, newHsmGateway } from "@vcc-pki/hsm-gateway/harness";
import {
  type Authority,
  AuthorityServiceDefinition,
  AuthorityState,
  CertificateServiceDefinition,
  type CreateAuthorityRequest,
  CrlServiceDefinition,
  IsolationLevel,
  type IssueRequest,
  type IssueResponse,
  OrganizationServiceDefinition,
  ProfileServiceDefinition,
  ServiceGrantServiceDefinition,
} from "@vcc-pki/proto/ca";
import { connectInProcess, createDenyList, type ServiceDefinition, type SpiffeId } from "@vcc-pki/rpc";
import { createKeyFile, type Store, type StoreFaults } from "@vcc-pki/store";
import { type Logger, silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { forwarding } from "@vcc-pki/testkit/forwarding";
import { createCertificationRequest, type GeneralNamesInput, type Name } from "@vcc-pki/x509";
import { CaConfig } from "../src/config.ts";
import { type RunningCa, startCa } from "../src/service.ts";

export const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";
export const PROFILES_DIR = new URL("../../../deploy/profiles/", import.meta.url).pathname;

/** As the hsm-gateway's own service has them: long lists. */
const HSM_LIMITS = { maxReceiveBytes: 64 * 1024 * 1024 };

type CustodianList = Awaited<ReturnType<HsmGatewayHarness["registerCustodians"]>>;

export interface CaHarnessOptions {
  readonly clock?: FakeClock;
  readonly log?: Logger;
  /** Keys of the ca's configuration that matter to the test. */
  readonly config?: Partial<Record<keyof CaConfig, unknown>>;
  /** Authorities below the root by their ids; the names of `HIERARCHY`. Default: vcc-services-ca and vcc-platform-ca. An empty list
   *  leaves the suite without custodians, root and organisation. */
  readonly authorities?: readonly (keyof typeof HIERARCHY)[];
}

/** The real ca over a real hsm-gateway with a SoftHSM token of its own, both in this process. Close it before the next one. */
export interface CaHarness {
  readonly clock: FakeClock;
  readonly hsm: HsmGatewayHarness;
  readonly custodians: CustodianList;
  readonly ca: RunningCa;
  readonly store: Store;
  /** Makes commits fail. */
  readonly storeFaults: StoreFaults;
  /** The ca's services as this caller reaches them, by default for an administrator of the operator through the gateway. */
  as(caller?: string, requester?: string | SpiffeId): Remotes;
  /** A key and a request for a certificate. */
  csr(names: GeneralNamesInput, options?: { readonly privateKey?: KeyObject; readonly subject?: Name }): Uint8Array;
  /** Issues to `brandenburg`, through the gateway; only what matters to the test is named. */
  issue(fields?: Partial<IssueRequest> & { readonly names?: GeneralNamesInput }): Promise<IssueResponse>;
  /** Makes an authority, with the custodians' approval where it takes one. */
  createAuthority(fields: Partial<CreateAuthorityRequest> & { readonly authorityId: string }): Promise<Authority>;
  approve(approvalId: string): Promise<void>;
  /** Stops the ca as kill -9 would, leaving what is in flight, and starts it on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The authorities of architecture section 4. P-256 where a test signs a lot. */
export const HIERARCHY = {
  "vcc-services-ca": authority("VCC Services CA", [
    "mtls_service",
    "mtls_service_short",
    "vcc_service_template",
    "ocsp_responder",
  ]),
  "vcc-code-signing-ca": authority("VCC Code Signing CA", [
    "code_signing",
    "clara_model_template",
    "recall_list",
    "ocsp_responder",
  ]),
  "vcc-external-orgs-ca": { ...authority("VCC External Orgs CA", []), mayIssueAuthorities: true },
  "vcc-admin-ca": authority("VCC Admin CA", ["admin", "ocsp_responder"]),
  "vcc-tsa-ca": authority("VCC TSA CA", ["tsa_unit", "ocsp_responder"]),
  "vcc-platform-ca": authority("VCC Platform CA", ["platform"]),
} as const;

function authority(commonName: string, profiles: string[]) {
  return { commonName, profiles, keyAlgorithm: "ec-p256", mayIssueAuthorities: false };
}

type Remotes = ReturnType<typeof remotes>;

export async function newCa(options: CaHarnessOptions = {}): Promise<CaHarness> {
  const { clock = fakeClock("2026-11-23T12:00:00Z"), log = silentLogger } = options;
  const { authorities = ["vcc-services-ca", "vcc-platform-ca"] } = options;
  const directory = mkdtempSync(join(tmpdir(), "vcc-ca-"));
  createKeyFile(join(directory, "db.key"));
  const config = CaConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: directory },
    store: { file: join(directory, "ca.db"), keyFile: join(directory, "db.key") },
    operator: { organisation: "vcc", name: "VCC" },
    ...{ profilesDir: PROFILES_DIR, publicBaseUrl: "http://localhost:8081" },
    platformNames: { gateway: { dns: ["localhost"], ip: ["127.0.0.1"] } },
    ...{ choresInterval: "1d", expiryInterval: "1d" }, // tests say when
    ...options.config,
  });
  const telemetry = startTelemetry({ service: "ca" });
  const hsm = await newHsmGateway({ clock, log });
  const storeFaults: StoreFaults = {};
  const start = () =>
    startCa(
      config,
      {
        ...{
          clock,
          log,
          telemetry,
          trustDomain: "vcc.internal",
          denyList: createDenyList(),
          bus: undefined,
          identity: undefined,
        },
        connect: (definition) =>
          connectInProcess(hsm.services, definition, { caller: "ca", clock, limits: HSM_LIMITS }),
      },
      { faults: storeFaults },
    );

  let running = await start();
  const custodians: CustodianList = [];
  const harness: CaHarness = {
    ...{ clock, hsm, custodians, storeFaults },
    get ca() {
      return running;
    },
    get store() {
      return running.store;
    },
    as: (caller = "gateway", requester = caller === "gateway" ? OPERATOR : undefined) =>
      remotes(running, clock, caller, requester),
    csr: (subjectAltNames, { privateKey = newKey(), subject } = {}) =>
      createCertificationRequest({ subjectAltNames, privateKey, subject }),
    issue({ names = { dns: ["argus.vcc.internal"] }, ...fields } = {}) {
      const csrDer = fields.csrDer ?? harness.csr(names);
      return harness.as().certificates.issue({ ...issueRequest, requestId: randomUUID(), csrDer, ...fields });
    },
    async createAuthority(fields) {
      const request = { ...authorityRequest, requestId: randomUUID(), ...fields };
      const { authorities: remote } = harness.as("ceremony", OPERATOR);
      const created = await remote.create(request);
      if (created.state !== AuthorityState.PENDING) return created;
      await harness.approve(created.approvalId);
      return remote.create(request);
    },
    async approve(approvalId) {
      const { approvals } = hsm.as("ceremony");
      for (const custodian of custodians.slice(0, 2)) await custodian.approve(approvalId, approvals);
    },
    async restart() {
      await running.close();
      running = await start();
    },
    async close() {
      await running.close();
      await hsm.close();
      await telemetry.shutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  if (authorities.length > 0) await bootstrap(harness, authorities);
  return harness;
}

/** Custodians, root, authorities, and the organisation `brandenburg` with the operator's administrator as its member. */
async function bootstrap(harness: CaHarness, authorities: readonly (keyof typeof HIERARCHY)[]): Promise<void> {
  harness.custodians.push(...(await harness.hsm.registerCustodians()));
  await harness.createAuthority({ authorityId: "vcc-root-ca", commonName: "VCC Root CA", quorumThreshold: 2 });
  for (const authorityId of authorities) {
    await harness.createAuthority({ authorityId, parentId: "vcc-root-ca", ...HIERARCHY[authorityId] });
  }
  const { organisations } = harness.as("ceremony", OPERATOR);
  await organisations.create({ ...brandenburg, requestId: randomUUID(), authorityIds: [...authorities] });
  const membership = { organisation: "brandenburg", identity: OPERATOR, expiresAt: undefined };
  await organisations.grantMembership({ requestId: randomUUID(), membership });
}

export const brandenburg = {
  ...{ organisation: "brandenburg", name: "Land Brandenburg", isolationLevel: IsolationLevel.STRICT },
  ...{ allowedNames: ["*.vcc.internal", "*.vcc.local", "*.vcc.brandenburg.de"], allowedNetworks: ["10.1.0.0/16"] },
  ...{ adminContact: "pki@brandenburg.example", isolationPolicy: undefined, authorityIds: [] as string[] },
};

const issueRequest: IssueRequest = {
  ...{ requestId: "", organisation: "brandenburg", profile: "mtls_service", csrDer: new Uint8Array() },
  ...{ authorityId: "", validitySeconds: 0 },
};

const authorityRequest: CreateAuthorityRequest = {
  ...{ requestId: "", organisation: "vcc", authorityId: "", parentId: "", commonName: "", keyAlgorithm: "ec-p256" },
  ...{ validityDays: 0, profiles: [], mayIssueAuthorities: false, nameConstraints: undefined, quorumThreshold: 0 },
};

const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

function remotes(ca: RunningCa, clock: FakeClock, caller: string, requester: string | SpiffeId | undefined) {
  const { services, mayForward, onRefused } = ca;
  const remote = <D extends ServiceDefinition>(definition: D) => {
    const connected = connectInProcess(services, definition, { caller, clock, mayForward, onRefused });
    if (requester === undefined) return connected;
    return forwarding(connected, requester);
  };
  return {
    organisations: remote(OrganizationServiceDefinition),
    authorities: remote(AuthorityServiceDefinition),
    profiles: remote(ProfileServiceDefinition),
    certificates: remote(CertificateServiceDefinition),
    crls: remote(CrlServiceDefinition),
    grants: remote(ServiceGrantServiceDefinition),
  };
}
