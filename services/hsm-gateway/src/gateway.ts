import { type Refusal, type ServiceImplementation, suiteId } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Logger, ReadinessReport, Telemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { ApprovalStore } from "./approval-store.ts";
import type { HsmGatewayConfig } from "./config.ts";
import { KeyCreation } from "./create-key.ts";
import { CustodianStore } from "./custodian-store.ts";
import { Custodians } from "./custodians.ts";
import { FastSigning } from "./fast-signing.ts";
import { services } from "./grpc.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { KeyStore } from "./key-store.ts";
import { Keys } from "./keys.ts";
import { Ledger } from "./ledger.ts";
import { createMetrics } from "./metrics.ts";
import type { Pkcs11 } from "./pkcs11.ts";
import { Quorum } from "./quorum.ts";
import { Rates } from "./rate.ts";
import { Signing } from "./sign.ts";
import type { SigningThread } from "./signing-thread.ts";
import { Token } from "./token.ts";
import { Trail } from "./trail.ts";

export interface GatewayOptions {
  readonly config: Pick<
    HsmGatewayConfig,
    "token" | "creators" | "mayForward" | "rootKeysNeedQuorum" | "approvalValidity"
  >;
  readonly trustDomain: string;
  readonly pkcs11: Pkcs11;
  /** Signs beside the event loop when there is much to sign. The real library only: it cannot be made to fail. */
  readonly thread?: SigningThread;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Pick<Telemetry, "meter" | "tracer">;
}

export interface Gateway {
  readonly services: readonly ServiceImplementation[];
  readonly mayForward: readonly string[];
  readonly onRefused: (refusal: Refusal) => void;
  ready(): Promise<ReadinessReport>;
  /** Leaves the token. The store stays open. */
  close(): Promise<void>;
}

/** The last entries of the ledger that are checked at each start. */
const CHECKED_AT_START = 1_000;

/** Puts the gateway together. Starts also without its token, which may come later; throws CONFIG_INVALID, and AUDIT_CHAIN_BROKEN when
 *  somebody touched the ledger's end. */
export async function startGateway({ config, ...options }: GatewayOptions): Promise<Gateway> {
  const { store, clock, log, trustDomain, pkcs11, telemetry } = options;
  const { label, pinFile, sessions: poolSize, probeEvery } = config.token;

  const token = new Token({ pkcs11, label, pinFile, poolSize, clock, log });
  const ledger = new Ledger(store, clock);
  ledger.verify(Math.max(0, ledger.head().sequence - CHECKED_AT_START));

  const [keyStore, approvals, custodianStore] = [
    new KeyStore(store),
    new ApprovalStore(store),
    new CustodianStore(store),
  ];
  const [trail, metrics] = [new Trail(store, log), createMetrics(telemetry.meter, token)];
  const common = { store, clock, log, trail, token, keys: keyStore, custodians: custodianStore };
  const quorum = new Quorum({ ...common, approvals, validityMs: config.approvalValidity });
  const creation = new KeyCreation({ ...common, quorum, rootKeysNeedQuorum: config.rootKeysNeedQuorum });
  const keys = new Keys({ ...common, quorum });
  const fast = new FastSigning(token, options.thread);
  const rates = new Rates(clock);
  const signing = new Signing({ ...common, ledger, quorum, fast, rates, metrics, tracer: telemetry.tracer });
  const custodians = new Custodians({ ...common, quorum, trustDomain });

  const heartbeat = await startHeartbeat({
    ...{ token, trail, log, everyMs: probeEvery, self: suiteId("hsm-gateway", trustDomain) },
    onConnected: async () => {
      await creation.recover();
      await keys.recover();
      await quorum.resume();
    },
  }).catch(async (error) => {
    await token.close();
    throw error;
  });
  const parts = { creation, keys, signing, quorum, custodians, ledger, log, tokenDescription: () => token.description };
  return {
    services: services(parts, { ...config, trustDomain }),
    mayForward: config.mayForward,
    onRefused: (refusal) => void trail.refusedCall(refusal),
    ready: async () => ({ token: TOKEN_READINESS[token.state] }),
    async close() {
      await heartbeat.stop();
      await token.close();
      await options.thread?.close();
    },
  };
}

const TOKEN_READINESS = {
  connected: true,
  away: "the token is away",
  "pin-rejected": "the token rejected the PIN; it will not be tried again before a restart",
} as const;
