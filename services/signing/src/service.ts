import {
  AuthorityServiceDefinition,
  CertificateServiceDefinition,
  CrlServiceDefinition,
  OrganizationServiceDefinition,
} from "@vcc-pki/proto/ca";
import { KeyServiceDefinition, SigningServiceDefinition } from "@vcc-pki/proto/hsm";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import { suiteId } from "@vcc-pki/rpc";
import {
  Administrators,
  auditRefusal,
  defineService,
  type RunningService,
  type ServiceContext,
  SuiteTrust,
  startChores,
} from "@vcc-pki/service";
import { openSigningChannel, remoteSigner } from "@vcc-pki/signer";
import { openStore, type Store, type StoreOptions } from "@vcc-pki/store";
import { OID } from "@vcc-pki/x509";
import { SigningConfig } from "./config.ts";
import { Enrolment } from "./enrolment.ts";
import { recallService } from "./grpc/recalls.ts";
import { signatureService } from "./grpc/signatures.ts";
import { signerService } from "./grpc/signers.ts";
import { verificationService } from "./grpc/verification.ts";
import { openHttpDoor } from "./http-door.ts";
import { ListSigner } from "./list-signer.ts";
import { Messages } from "./messages.ts";
import { createMetrics } from "./metrics.ts";
import { OwnSignatures } from "./own-signature.ts";
import { readPolicy } from "./policy.ts";
import { Recalls } from "./recall.ts";
import { RecallLists } from "./recall-lists.ts";
import { Signing } from "./sign.ts";
import { type OpenSigner, Signers } from "./signers.ts";
import { IntentTable } from "./store/intents.ts";
import { LineageTable } from "./store/lineage.ts";
import { ListKeyTable } from "./store/list-keys.ts";
import { RecallListTable } from "./store/recall-lists.ts";
import { RecallTable } from "./store/recalls.ts";
import { SignatureTable } from "./store/signatures.ts";
import { SignerKeyTable } from "./store/signer-keys.ts";
import { UsageTable } from "./store/usages.ts";
import { TimeStamps } from "./time-stamps.ts";
import { UsageLog } from "./usage.ts";
import { readVerificationPolicies } from "./verification-policy.ts";
import { Verification } from "./verify.ts";

/** The signing service at work, with handles for those who do not want to wait for a timer. */
export interface RunningSigning extends RunningService {
  readonly store: Store;
  readonly httpPort: number;
  /** Asks the ca whom to trust, and looks after keys that were retired. */
  refresh(): Promise<void>;
}

/** How long the token may take, and the tsa; a client waits some seconds. */
const SIGNATURE_DEADLINE_MS = 4_000;
const TRUST_INTERVAL_MS = 60_000;
/** Recalls of one occasion are published together. */
const COALESCE_MS = 20;

export const signing = defineService({
  name: "signing",
  config: SigningConfig,
  check({ policyFile, verificationPolicyFile }) {
    readPolicy(policyFile);
    readVerificationPolicies(verificationPolicyFile);
  },
  start: (config, context) => startSigning(config, context),
});

/** Starts the service. Throws CONFIG_INVALID for a policy that is none. */
export async function startSigning(
  config: SigningConfig,
  context: ServiceContext,
  { faults }: Pick<StoreOptions, "faults"> = {},
): Promise<RunningSigning> {
  const policy = readPolicy(config.policyFile);
  const policies = readVerificationPolicies(config.verificationPolicyFile);
  const { clock, log, telemetry, trustDomain, denyList } = context;
  const { keys: keyConfig, limits, organisation } = config;
  const migrations = new URL("../migrations/", import.meta.url);
  const store = openStore({ ...config.store, migrations, clock, faults });
  const { db } = store;
  const signerKeys = new SignerKeyTable(db);
  const signatures = new SignatureTable(db);
  const lineage = new LineageTable(db);
  const recallTable = new RecallTable(db);
  const usages = new UsageTable(db);
  const metrics = createMetrics(telemetry.meter);

  // Peers.
  const channel = openSigningChannel(context.connect(SigningServiceDefinition, "hsm-gateway"), {
    ...{ log, clock },
    deadlineMs: SIGNATURE_DEADLINE_MS,
  });
  const timeStamps = new TimeStamps(context.connect(TimestampServiceDefinition, "tsa"), {
    ...{ unit: config.timeStamps.unit, deadlineMs: SIGNATURE_DEADLINE_MS, log, clock },
  });
  const trust = new SuiteTrust({
    authorities: context.connect(AuthorityServiceDefinition, "ca"),
    crls: context.connect(CrlServiceDefinition, "ca"),
    ...{ purposes: [OID.codeSigning, OID.timeStamping], log },
  });
  const openSigner: OpenSigner = (key) => remoteSigner(channel, key);

  // Who signs, and what.
  const signers = new Signers({ ...{ table: signerKeys, openSigner, denyList } });
  const enrolment = new Enrolment({
    ...{ store, table: signerKeys, signers, openSigner, trust, trustDomain, clock, log },
    ...{ keys: context.connect(KeyServiceDefinition, "hsm-gateway"), self: suiteId("signing", trustDomain) },
  });
  const recalls = new Recalls({
    store,
    recalls: recallTable,
    lineage,
    signatures,
    clock,
    log,
    onRecalled: () => chores.soon("lists", COALESCE_MS),
  });
  const desk = new Signing({
    ...{
      store,
      signatures,
      lineage,
      recalls,
      signers,
      clock,
      intents: new IntentTable(db),
      own: new OwnSignatures(trust, clock),
    },
    ...{ timeStamps, maxWaiting: limits.maxWaiting, metrics },
  });
  const verification = new Verification({
    ...{ store, signatures, usages, recalls: recallTable, policies, trust, trustDomain, clock, metrics },
  });
  const listSigner = new ListSigner({
    ...{ store, table: new ListKeyTable(db), openSigner, trust, organisation, clock, log },
    ...{ keys: context.connect(KeyServiceDefinition, "hsm-gateway"), self: suiteId("signing", trustDomain) },
    ca: context.connect(CertificateServiceDefinition, "ca"),
  });
  const lists = new RecallLists({
    ...{ store, table: new RecallListTable(db), signer: listSigner, trust, trustDomain, clock },
    validityMs: config.recalls.validity,
  });
  const messages = new Messages({ signers, recalls: recallTable, clock });

  const chores = startChores(
    {
      trust: { everyMs: TRUST_INTERVAL_MS, run: () => trust.run() },
      lists: { everyMs: config.recalls.interval, run: () => lists.publish() },
      keys: { everyMs: keyConfig.interval, run: () => enrolment.disableRetired() },
    },
    log,
  );
  const begun = chores.run("trust").then(() => chores.run("lists"));
  const http = await openHttpDoor({ ...config.http, limits, lists, clock, log });
  log.info("http door open", { httpPort: http.port });
  const door = {
    ...{ enrolment, signing: desk, policy, messages, signerKeys, signatures, lineage, recalls, recallTable },
    ...{ verification, administrators: new Administrators(context.connect(OrganizationServiceDefinition, "ca")) },
    ...{ usages, usageLog: new UsageLog({ store, usages, signatures, clock }) },
    profiles: keyConfig.profiles,
  };

  return {
    ...{ store, httpPort: http.port, mayForward: ["gateway"], limits: { maxReceiveBytes: limits.maxRequestOctets } },
    services: [signerService(door), signatureService(door), recallService(door), verificationService(door)],
    onRefused: (refusal) => auditRefusal(store, refusal, organisation),
    async ready() {
      return {
        store: db.open ? true : "the database is closed",
        trust: trust.anchors.length > 0 || "the ca has not said whom to trust",
      };
    },
    async refresh() {
      await begun;
      await Promise.all([chores.run("trust"), chores.run("keys")]);
      await chores.run("lists");
    },
    async close() {
      await http.close();
      await begun;
      await chores.stop();
      await channel.close();
      await timeStamps.close();
      await store.close();
    },
  };
}
