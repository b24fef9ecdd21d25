import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ApprovalServiceDefinition,
  CustodianServiceDefinition,
  type Key,
  type KeyPolicy,
  KeyPurpose,
  KeyServiceDefinition,
  LedgerServiceDefinition,
  SigningServiceDefinition,
} from "@vcc-pki/proto/hsm";
import { connectInProcess, type ServiceDefinition, type ServiceImplementation } from "@vcc-pki/rpc";
import { openSigningChannel, type RemoteKey, remoteSigner, type Signer } from "@vcc-pki/signer";
import { openStore, type Store, type StoreFaults } from "@vcc-pki/store";
import { type Logger, silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import { type FakeClock, fakeClock } from "@vcc-pki/testkit/clock";
import { createTestToken } from "@vcc-pki/testkit/token";
import { buildName, defaultSignatureAlgorithm, type KeyAlgorithmId, OID } from "@vcc-pki/x509";
import type { HsmGatewayConfig } from "../src/config.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../src/gateway.ts";
import { loadPkcs11 } from "../src/pkcs11.ts";
import { SigningThread } from "../src/signing-thread.ts";
import { newCustodian, type TestCustodian } from "./custodian.ts";
import { type FaultyPkcs11, faultyPkcs11 } from "./token-faults.ts";

export interface HarnessOptions {
  readonly clock?: FakeClock;
  readonly log?: Logger;
  /** Sign on the thread when there is much to sign. It goes past the token's faults. */
  readonly thread?: boolean;
  /** "file" for `restart`. */
  readonly database?: "memory" | "file";
  /** What the PIN file says, if not the token's PIN. */
  readonly pin?: string;
  readonly config?: Partial<Omit<GatewayOptions["config"], "token">>;
  /** Milliseconds between heartbeats. */
  readonly probeEvery?: number;
}

export interface KeyOptions {
  readonly caller?: string;
  readonly keyAlgorithm?: KeyAlgorithmId;
  readonly purpose?: KeyPurpose;
  readonly policy?: Partial<KeyPolicy>;
  readonly requestId?: string;
}

/** The real gateway over a SoftHSM token of its own, reached through in-process RPC. Close it before the next one: a process has
 *  one PKCS#11 module. */
export interface HsmGatewayHarness {
  readonly clock: FakeClock;
  readonly store: Store;
  /** Makes PKCS#11 calls fail. */
  readonly token: FaultyPkcs11;
  /** Makes commits fail. */
  readonly storeFaults: StoreFaults;
  readonly services: readonly ServiceImplementation[];
  /** The gateway's services as this caller reaches them: a suite service's name or a SPIFFE URI. */
  as(caller: string): Remotes;
  /** A key with a policy that fits its purpose; only what matters to the test is named. */
  createKey(options?: KeyOptions): Promise<Key>;
  /** The key through a signing channel of this caller. */
  signer(key: Key, caller?: string): Signer;
  /** Registers custodians "anna", "bert", "carl"…; the last has an Ed25519 key. */
  registerCustodians(count?: number, threshold?: number): Promise<TestCustodian[]>;
  /** Stops and starts the gateway on the same database and token. */
  restart(): Promise<void>;
  ready(): ReturnType<Gateway["ready"]>;
  close(): Promise<void>;
}

const CREATORS: HsmGatewayConfig["creators"] = {
  ca: ["root-ca", "issuing-ca"],
  ocsp: ["ocsp-responder"],
  tsa: ["time-stamping"],
  signing: ["code-signing"],
  audit: ["audit-checkpoint"],
};

const CREATOR_OF: Partial<Record<KeyPurpose, string>> = {
  [KeyPurpose.ROOT_CA]: "ca",
  [KeyPurpose.ISSUING_CA]: "ca",
  [KeyPurpose.OCSP_RESPONDER]: "ocsp",
  [KeyPurpose.TIME_STAMPING]: "tsa",
  [KeyPurpose.CODE_SIGNING]: "signing",
  [KeyPurpose.AUDIT_CHECKPOINT]: "audit",
};

const NAMES = ["anna", "bert", "carl", "dora", "emil"];

export const TEST_ISSUER = buildName([
  ["O", "VCC"],
  ["CN", "Test Issuing CA"],
]);

type Remotes = ReturnType<typeof remotes>;

export async function newHsmGateway(options: HarnessOptions = {}): Promise<HsmGatewayHarness> {
  const { clock = fakeClock(), log = silentLogger, database = "memory" } = options;
  const testToken = createTestToken();
  if (options.pin) writeFileSync(testToken.pinFile, options.pin);
  const directory = mkdtempSync(join(tmpdir(), "vcc-hsm-gateway-"));
  const telemetry = startTelemetry({ service: "hsm-gateway" });
  const token = faultyPkcs11(
    loadPkcs11({ module: testToken.modulePath, environment: { SOFTHSM2_CONF: testToken.confPath } }),
  );
  const storeFaults: StoreFaults = {};
  const { tokenLabel: label, pinFile, modulePath: module } = testToken;
  const config: GatewayOptions["config"] = {
    token: { module, environment: {}, label, pinFile, sessions: 4, probeEvery: options.probeEvery ?? 20 },
    ...{
      creators: CREATORS,
      mayForward: ["gateway", "ca"],
      rootKeysNeedQuorum: true,
      approvalValidity: 72 * 3_600_000,
    },
    ...options.config,
  };

  const start = async () => {
    const file = database === "memory" ? ":memory:" : join(directory, "hsm-gateway.db");
    const migrations = new URL("../migrations/", import.meta.url);
    const store = openStore({ file, migrations, clock, faults: storeFaults });
    const thread = options.thread ? new SigningThread(module) : undefined;
    const gateway = await startGateway({
      ...{ config, trustDomain: "vcc.internal", pkcs11: token.pkcs11, thread, store, clock, log, telemetry },
    });
    return { store, gateway };
  };
  const stop = async () => {
    await Promise.all([...channels.values()].map((channel) => channel.close()));
    channels.clear();
    await running.gateway.close();
    await running.store.close();
  };

  const channels = new Map<string, ReturnType<typeof openSigningChannel>>();
  let running = await start();
  const as = (caller: string) => remotes(running.gateway, caller, clock);

  return {
    ...{ clock, token, storeFaults, as },
    get store() {
      return running.store;
    },
    get services() {
      return running.gateway.services;
    },
    createKey: (keyOptions = {}) => {
      const { purpose = KeyPurpose.ISSUING_CA, requestId = randomUUID() } = keyOptions;
      const { keyAlgorithm = "ec-p256", caller = CREATOR_OF[purpose] ?? "ca" } = keyOptions;
      const policy = policyFor(purpose, keyAlgorithm, keyOptions.policy);
      return as(caller).keys.createKey({ requestId, label: "test key", keyAlgorithm, policy });
    },
    signer(key, caller = CREATOR_OF[key.policy?.purpose ?? KeyPurpose.UNSPECIFIED] ?? "ca") {
      const channel =
        channels.get(caller) ?? openSigningChannel(as(caller).signing, { log, clock, deadlineMs: 10_000 });
      channels.set(caller, channel);
      return remoteSigner(channel, toRemoteKey(key));
    },
    async registerCustodians(count = 3, threshold = 2) {
      const custodians = NAMES.slice(0, count).map((name, i) => newCustodian(name, i === count - 1 ? "ed25519" : "ec"));
      const plain = custodians.map(({ custodianId, identity, spkiDer }) => ({ custodianId, identity, spkiDer }));
      await as("ceremony").custodians.register({ requestId: randomUUID(), custodians: plain, threshold });
      return custodians;
    },
    async restart() {
      if (database === "memory") throw new Error("a database in memory does not survive a restart");
      await stop();
      running = await start();
    },
    ready: () => running.gateway.ready(),
    async close() {
      token.plugIn();
      await stop();
      await telemetry.shutdown();
      testToken.destroy();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function remotes({ services, mayForward }: Gateway, caller: string, clock: FakeClock) {
  const remote = <D extends ServiceDefinition>(definition: D) =>
    connectInProcess(services, definition, { caller, clock, mayForward });
  return {
    keys: remote(KeyServiceDefinition),
    signing: remote(SigningServiceDefinition),
    approvals: remote(ApprovalServiceDefinition),
    custodians: remote(CustodianServiceDefinition),
    ledger: remote(LedgerServiceDefinition),
  };
}

/** What a test that does not care would want: CA keys bound to TEST_ISSUER. */
export function policyFor(
  purpose: KeyPurpose,
  keyAlgorithm: KeyAlgorithmId,
  overrides: Partial<KeyPolicy> = {},
): KeyPolicy {
  const isRoot = purpose === KeyPurpose.ROOT_CA;
  const isCa = isRoot || purpose === KeyPurpose.ISSUING_CA;
  return {
    ...{ purpose, organisation: "brandenburg", allowedCallers: [], rateLimitPerSecond: 0, copyable: false },
    quorumThreshold: isRoot ? 2 : 0,
    signatureAlgorithms: [defaultSignatureAlgorithm(keyAlgorithm)],
    issuerNameDer: isCa ? TEST_ISSUER.der : new Uint8Array(),
    certificateLimits: isCa
      ? {
          ...{ certificateAuthorities: isRoot, endEntities: !isRoot, maxValiditySeconds: 90 * 86_400 },
          extendedKeyUsages: isRoot ? [] : [OID.serverAuth, OID.clientAuth],
        }
      : undefined,
    ...overrides,
  };
}

function toRemoteKey({ keyId, policy, spkiDer }: Key): RemoteKey {
  const [algorithm] = policy?.signatureAlgorithms ?? [];
  if (!policy || !algorithm) throw new Error("a key without policy");
  return { organisation: policy.organisation, keyId, spkiDer, algorithm: algorithm as RemoteKey["algorithm"] };
}
