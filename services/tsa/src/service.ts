import { randomBytes } from "node:crypto";
import { AuthorityServiceDefinition, CertificateServiceDefinition, CrlServiceDefinition } from "@vcc-pki/proto/ca";
import { KeyServiceDefinition, SigningServiceDefinition } from "@vcc-pki/proto/hsm";
import { suiteId } from "@vcc-pki/rpc";
import {
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
import { openAlarms } from "./alarms.ts";
import { Bulk } from "./bulk.ts";
import { ClockProof, type ClockSource, createSources } from "./clock/index.ts";
import { requireTestUnits, TsaConfig } from "./config.ts";
import { Enrolment } from "./enrolment.ts";
import { forgetOld } from "./forget.ts";
import { timestampService } from "./grpc.ts";
import { Health } from "./health.ts";
import { openHttpDoor } from "./http/door.ts";
import { TsaDoor } from "./http/tsa.ts";
import { Issuance } from "./issue.ts";
import { KeyRecords } from "./key-records.ts";
import { Messages } from "./messages.ts";
import { createAnswerCounts, createMetrics } from "./metrics.ts";
import { Desk } from "./respond.ts";
import { SerialSource } from "./serial.ts";
import { StatusReport } from "./status-report.ts";
import { EvidenceTable } from "./store/evidence.ts";
import { RequestTable } from "./store/requests.ts";
import { SummaryTable } from "./store/summary.ts";
import { TokenTable } from "./store/tokens.ts";
import { UnitKeyTable } from "./store/unit-keys.ts";
import { Summary } from "./summary.ts";
import { TimeSource } from "./time-source.ts";
import { type OpenSigner, Units } from "./units.ts";
import { Verifier } from "./verify.ts";

/** The tsa at work, with handles for those who do not want to wait for a timer. */
export interface RunningTsa extends RunningService {
  readonly store: Store;
  readonly httpPort: number;
  readonly proof: ClockProof;
  /** Asks the clock's sources and the ca, and does for units and their keys what is due. */
  refresh(): Promise<void>;
  /** Looks at the state of affairs, and tells by events what has changed and how many tokens were issued. */
  tell(): Promise<void>;
  /** Forgets what is older than it is kept. */
  forget(): Promise<void>;
}

export interface TsaOptions extends Pick<StoreOptions, "faults"> {
  /** Instead of the configuration's, for tests. */
  readonly sources?: readonly ClockSource[];
}

/** How long the token may take; a client waits some seconds. */
const SIGNATURE_DEADLINE_MS = 4_000;
const CLOCK_INTERVAL_MS = 1_000;
const ALARM_INTERVAL_MS = 1_000;
const TRUST_INTERVAL_MS = 60_000;
const FORGETTING_INTERVAL_MS = 3_600_000;
/** Events of one occasion come together. */
const COALESCE_MS = 20;

export const tsa = defineService({
  name: "tsa",
  config: TsaConfig,
  check: requireTestUnits,
  start: (config, context) => startTsa(config, context),
});

/** Starts the service. Throws CONFIG_INVALID for units that may not go with this clock. */
export async function startTsa(
  config: TsaConfig,
  context: ServiceContext,
  { faults, sources }: TsaOptions = {},
): Promise<RunningTsa> {
  requireTestUnits(config);
  const { clock, log, telemetry, trustDomain, denyList } = context;
  const migrations = new URL("../migrations/", import.meta.url);
  const store = openStore({ ...config.store, migrations, clock, faults });
  const { organisation, replica } = config;
  const self = suiteId("tsa", trustDomain);

  // Tables.
  const { db } = store;
  const unitKeys = new UnitKeyTable(db);
  const tokens = new TokenTable(db);
  const requests = new RequestTable(db);
  const evidence = new EvidenceTable(db);
  const summary = new Summary(store, new SummaryTable(db), replica);

  // Peers.
  const ca = context.connect(CertificateServiceDefinition, "ca");
  const keys = context.connect(KeyServiceDefinition, "hsm-gateway");
  const channel = openSigningChannel(context.connect(SigningServiceDefinition, "hsm-gateway"), {
    ...{ log, clock },
    deadlineMs: SIGNATURE_DEADLINE_MS,
  });
  const trust = new SuiteTrust({
    authorities: context.connect(AuthorityServiceDefinition, "ca"),
    crls: context.connect(CrlServiceDefinition, "ca"),
    purposes: [OID.timeStamping],
    log,
  });
  const openSigner: OpenSigner = (key) => remoteSigner(channel, key);

  // The time.
  const proof = new ClockProof({
    config: config.clock,
    sources: sources ?? createSources(config.clock, { clock, random: randomBytes }),
    ...{ clock, random: randomBytes },
    record: (taken) => store.write(() => evidence.insert(taken)),
    changed(state, before) {
      metrics.clockChanges.add(1, { state });
      if (state === "available") log.info("the time is proven", { before });
      else log.error("the time is not proven", { state, before });
      chores.soon("alarms", COALESCE_MS);
    },
  });

  // Who signs.
  const units = new Units({ ...{ units: config.units, table: unitKeys, openSigner, denyList }, ...config.keys });
  const records = new KeyRecords(store, self, log);
  const enrolment = new Enrolment({
    ...{ store, table: unitKeys, units, records, keys, ca, openSigner, config, self, clock, log },
  });

  // Who answers.
  const counts = createAnswerCounts();
  const metrics = createMetrics(telemetry.meter, counts, {
    isClockAvailable: () => proof.state === "available",
    clockErrorMs: () => proof.evidence && Math.abs(proof.evidence.offsetMs) + proof.evidence.errorMs,
    units: () =>
      unitKeys.all().flatMap(({ unit, issued, retiredAt }) => {
        return issued === undefined || retiredAt !== undefined ? [] : [{ unit, signsUntil: issued.signsUntil }];
      }),
  });
  const onDeadKey = (unitKey: number) => {
    enrolment.giveUp(unitKey).then(
      () => chores.soon("keys", COALESCE_MS),
      (error) => log.warn("unit key not given up", { unitKey, error }),
    );
  };
  const issuance = new Issuance({
    ...{ store, tokens, requests, units, summary, onDeadKey, metrics, log },
    ...{ time: new TimeSource(proof), serials: new SerialSource(clock), maxWaiting: config.limits.maxWaiting },
  });
  const desk = new Desk({ issuance, units, counts, clock, log });
  const messages = new Messages(desk, unitKeys);
  const health = new Health({ proof, units, replica, clock, unitAlarmMs: config.keys.rekeyBefore / 2 });
  const alarms = openAlarms({ store, organisation, self, log });

  let hasBegun = false;
  const chores = startChores(
    {
      clock: { everyMs: CLOCK_INTERVAL_MS, run: () => proof.tick() },
      trust: { everyMs: TRUST_INTERVAL_MS, run: () => trust.run() },
      keys: { everyMs: config.keys.interval, run: () => enrolment.run() },
      alarms: { everyMs: ALARM_INTERVAL_MS, run: () => hasBegun && alarms.update(health.examine()) },
      summary: { everyMs: config.log.summaryInterval, run: () => summary.tell() },
      forgetting: {
        everyMs: FORGETTING_INTERVAL_MS,
        run: () => forgetOld({ store, tokens, requests, evidence, clock, retentionMs: config.log.retention }),
      },
    },
    log,
  );
  denyList.onChange(() => chores.soon("keys", COALESCE_MS));

  const refresh = async (): Promise<void> => {
    await Promise.all([proof.measure(), chores.run("keys"), chores.run("trust")]);
  };
  const door = await openHttpDoor({
    ...{ ...config.http, limits: config.limits, clock, log },
    tsa: new TsaDoor({ desk, units, organisation, log }),
  });
  log.info("http door open", { httpPort: door.port });
  const begun = refresh()
    .catch((error) => log.error("the time could not be put on record", { error }))
    .finally(() => {
      hasBegun = true;
    });

  return {
    ...{ store, httpPort: door.port, proof, mayForward: ["gateway"] },
    services: [
      timestampService({
        ...{ desk, messages, tokens, units, operatorOrganisation: organisation, log },
        bulk: new Bulk({ desk, messages }),
        verifier: new Verifier(trust, clock),
        status: new StatusReport({ proof, units, unitKeys, tokens, replica, clock }),
      }),
    ],
    onRefused: (refusal) => auditRefusal(store, refusal, organisation),
    async ready() {
      return { store: db.open ? true : "the database is closed", ...health.report() };
    },
    async refresh() {
      await begun;
      await refresh();
    },
    async tell() {
      await chores.run("alarms");
      await chores.run("summary");
    },
    forget: () => chores.run("forgetting"),
    async close() {
      await door.close();
      await begun;
      await chores.stop();
      await summary.tell().catch(() => {}); // counted at the next start
      await channel.close();
      await store.close();
    },
  };
}
