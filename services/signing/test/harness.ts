import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CaHarness } from "@vcc-pki/ca/harness";
import type { PkiError } from "@vcc-pki/errors";
import {
  RecallServiceDefinition,
  SignatureServiceDefinition,
  SignerServiceDefinition,
  VerificationServiceDefinition,
} from "@vcc-pki/proto/signing";
import { connectInProcess, createDenyList, type ServiceDefinition, type WritableDenyList } from "@vcc-pki/rpc";
import { createKeyFile, type Store, type StoreFaults } from "@vcc-pki/store";
import { silentLogger, startTelemetry } from "@vcc-pki/telemetry";
import type { FakeClock } from "@vcc-pki/testkit/clock";
import { forwarding } from "@vcc-pki/testkit/forwarding";
import { interruptible } from "@vcc-pki/testkit/interruptible";
import { newTsa, type TsaHarness } from "@vcc-pki/tsa/harness";
import { SigningConfig } from "../src/config.ts";
import { type RunningSigning, startSigning } from "../src/service.ts";

export const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/anna";
export const CLARA = "spiffe://vcc.internal/org/brandenburg/service/clara";
export const STRANGER = "spiffe://vcc.internal/org/berlin/admin/bert";
const POLICIES = new URL("../../../deploy/policies/", import.meta.url).pathname;

export interface SigningHarnessOptions {
  readonly clock?: FakeClock;
  /** Keys of the configuration that matter to the test. */
  readonly config?: Partial<Record<keyof SigningConfig, unknown>>;
}

type Peer = "ca" | "hsm-gateway" | "tsa";

/** The real signing service over a real ca, hsm-gateway (with a SoftHSM token) and tsa, all in this process. */
export interface SigningHarness {
  readonly clock: FakeClock;
  readonly ca: CaHarness;
  readonly tsa: TsaHarness;
  readonly signing: RunningSigning;
  readonly store: Store;
  /** Makes commits of the service fail. */
  readonly storeFaults: StoreFaults;
  /** Peers that do not answer. */
  readonly away: Set<Peer>;
  readonly denyList: WritableDenyList;
  /** Its services as this requester reaches them through the gateway, or as another caller does. */
  as(requester?: string, caller?: string): ReturnType<typeof remotes>;
  /** A signer of brandenburg with a certificate of the ca, as an administrator makes it. Returns the id of its key. */
  createSigner(signer?: string, keyAlgorithm?: string): Promise<string>;
  /** What the ca certifies for a signer's key, asked by the administrator. */
  certify(csrDer: Uint8Array, profile?: string): Promise<Uint8Array[]>;
  /** The ca signs its revocation lists, and the service hears of them. */
  publishLists(): Promise<void>;
  /** Stops the service, and starts it on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function newSigning(options: SigningHarnessOptions = {}): Promise<SigningHarness> {
  const directory = mkdtempSync(join(tmpdir(), "vcc-signing-"));
  const tsa = await newTsa({
    ...(options.clock && { clock: options.clock }),
    authorities: ["vcc-tsa-ca", "vcc-platform-ca", "vcc-code-signing-ca", "vcc-services-ca", "vcc-admin-ca"],
  });
  const { clock, ca } = tsa;
  const telemetry = startTelemetry({ service: "signing" });
  const storeFaults: StoreFaults = {};
  const away: SigningHarness["away"] = new Set();
  const denyList = createDenyList();
  const servicesOf = { ca: () => ca.ca.services, "hsm-gateway": () => ca.hsm.services, tsa: () => tsa.tsa.services };
  const connect = <D extends ServiceDefinition>(definition: D, peer: string) =>
    interruptible(
      () => connectInProcess(servicesOf[peer as Peer](), definition, { caller: "signing", clock }),
      definition,
      () => away.has(peer as Peer),
    );
  createKeyFile(join(directory, "db.key"));
  const config = SigningConfig.parse({
    ...{ listen: { host: "127.0.0.1", port: 0 }, health: { host: "127.0.0.1", port: 0 }, identityDir: "none" },
    ...{ http: { host: "127.0.0.1", port: 0 }, recalls: { interval: "1d" } },
    store: { file: join(directory, "signing.db"), keyFile: join(directory, "db.key") },
    ...{ organisation: "vcc", policyFile: `${POLICIES}artefacts.yaml`, keys: { interval: "1d" } },
    verificationPolicyFile: `${POLICIES}verification.yaml`,
    ...options.config,
  });
  const context = {
    ...{ clock, log: silentLogger, telemetry, trustDomain: "vcc.internal", denyList, bus: undefined },
    ...{ identity: undefined, connect },
  };
  const start = async () => {
    const started = await startSigning(config, context, { faults: storeFaults });
    await started.refresh();
    return started;
  };
  let running = await start();
  const harness: SigningHarness = {
    ...{ clock, ca, tsa, storeFaults, away, denyList },
    get signing() {
      return running;
    },
    get store() {
      return running.store;
    },
    as: (requester = ADMIN, caller = "gateway") => remotes(running, clock, caller, requester),
    async createSigner(signer = "clara", keyAlgorithm = "ec-p256") {
      const { signers } = harness.as();
      const { signerKeyId, csrDer } = await signers.createSigner({
        ...{ requestId: randomUUID(), signer, keyAlgorithm, profile: "" },
      });
      const chainDer = await harness.certify(csrDer);
      await signers.installCertificate({ signerKeyId, chainDer });
      return signerKeyId;
    },
    async certify(csrDer, profile = "code_signing") {
      const { certificates } = ca.as("gateway", ADMIN);
      const { chainDer } = await certificates.issue({
        ...{
          requestId: randomUUID(),
          organisation: "brandenburg",
          profile,
          csrDer,
          authorityId: "",
          validitySeconds: 0,
        },
      });
      return chainDer;
    },
    async publishLists() {
      const request = { requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead: 0 };
      const { crls } = ca.as();
      const waits: PkiError = await crls.publish(request).catch((error) => error);
      await ca.approve(waits.details.approvalId ?? "");
      await crls.publish(request);
      await ca.ca.runChores();
      await running.refresh();
    },
    async restart() {
      await running.close();
      running = await start();
    },
    async close() {
      await running.close();
      await tsa.close();
      await telemetry.shutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return harness;
}

function remotes(
  { services, mayForward, onRefused, limits }: RunningSigning,
  clock: FakeClock,
  caller: string,
  requester: string,
) {
  const remote = <D extends ServiceDefinition>(definition: D) => {
    const connected = connectInProcess(services, definition, { caller, clock, mayForward, onRefused, limits });
    if (caller !== "gateway") return connected;
    return forwarding(connected, requester);
  };
  return {
    signers: remote(SignerServiceDefinition),
    signatures: remote(SignatureServiceDefinition),
    recalls: remote(RecallServiceDefinition),
    verification: remote(VerificationServiceDefinition),
  };
}
