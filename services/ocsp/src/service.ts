import { randomBytes } from "node:crypto";
import { type FactEvent, followEvents } from "@vcc-pki/events";
import {
  AuthorityServiceDefinition,
  CertificateServiceDefinition,
  CrlServiceDefinition,
  ProfileServiceDefinition,
} from "@vcc-pki/proto/ca";
import { KeyServiceDefinition, SigningServiceDefinition } from "@vcc-pki/proto/hsm";
import { defineService, type RunningService, type ServiceContext, startChores } from "@vcc-pki/service";
import { openSigningChannel, remoteSigner } from "@vcc-pki/signer";
import { openStore, type Store, type StoreOptions } from "@vcc-pki/store";
import { openAlarms } from "./alarms.ts";
import { refreshIssuers } from "./authorities.ts";
import { Budget } from "./budget.ts";
import { changeFromEvent } from "./changes.ts";
import { OcspConfig } from "./config.ts";
import { type Currency, CurrencyAccount } from "./currency.ts";
import { Enrolment } from "./enrolment.ts";
import { Files } from "./files.ts";
import { statusService } from "./grpc.ts";
import { Health } from "./health.ts";
import { openHttpDoor } from "./http/door.ts";
import { Downloads } from "./http/downloads.ts";
import { OcspDoor } from "./http/ocsp.ts";
import { Issuers } from "./issuers.ts";
import { Lists } from "./lists.ts";
import { createAnswerCounts, createMetrics } from "./metrics.ts";
import { OnDemand } from "./on-demand.ts";
import { Preproduction } from "./preproduction.ts";
import { Projection } from "./projection.ts";
import { Recording } from "./recording.ts";
import { Desk } from "./respond.ts";
import { type OpenSigner, Responders } from "./responders.ts";
import { StatusMemory } from "./status-memory.ts";
import { AnswerTable } from "./store/answers.ts";
import { CertificateTable } from "./store/certificates.ts";
import { IssuerTable } from "./store/issuers.ts";
import { ListTable } from "./store/lists.ts";
import { PositionTable } from "./store/position.ts";
import { ResponderTable } from "./store/responders.ts";
import { Watchers } from "./watch.ts";

/** The ocsp service at work, with handles for those who do not want to wait for a timer. */
export interface RunningOcsp extends RunningService {
  readonly store: Store;
  readonly httpPort: number;
  readonly currency: Currency;
  /** Asks the ca for everything that is new: authorities, changes of status, lists; enrols responders and signs what is due. */
  refresh(): Promise<void>;
  /** Asks the ca for changes of status. */
  pull(): Promise<void>;
  /** Signs what is due. */
  signDue(): Promise<void>;
  /** Looks at the state of affairs, and tells by events what has changed. */
  examine(): Promise<void>;
  /** Resolves when everything in the database is in memory. */
  readonly loaded: Promise<void>;
}

/** How long the token may take; a client of OCSP waits some seconds. */
const SIGNATURE_DEADLINE_MS = 4_000;
/** How long the ca may pause in the middle of telling its changes. */
const CA_PATIENCE_MS = 5_000;
const EXPIRY_INTERVAL_MS = 60_000;
/** Events of one occasion come together. */
const COALESCE_MS = 20;

export const ocsp = defineService({
  name: "ocsp",
  config: OcspConfig,
  start: (config, context) => startOcsp(config, context),
});

/** Starts the service. `faults` make its store fail, for tests. */
export async function startOcsp(
  config: OcspConfig,
  context: ServiceContext,
  { faults }: Pick<StoreOptions, "faults"> = {},
): Promise<RunningOcsp> {
  const { clock, log, telemetry } = context;
  const migrations = new URL("../migrations/", import.meta.url);
  const store = openStore({ ...config.store, migrations, clock, faults });
  const counts = createAnswerCounts();
  const metrics = createMetrics(telemetry.meter, counts);

  // Tables, and what is known of them without asking.
  const { db } = store;
  const certificates = new CertificateTable(db);
  const answers = new AnswerTable(db);
  const responderTable = new ResponderTable(db);
  const issuers = new Issuers(store, new IssuerTable(db));
  const memory = new StatusMemory({ certificates, answers, hashes: config.answers.hashes, clock });
  const currency = new CurrencyAccount(clock, config.projection.maxSilence);

  // Peers.
  const ca = context.connect(CertificateServiceDefinition, "ca");
  const authorities = context.connect(AuthorityServiceDefinition, "ca");
  const profiles = context.connect(ProfileServiceDefinition, "ca");
  const crls = context.connect(CrlServiceDefinition, "ca");
  const keys = context.connect(KeyServiceDefinition, "hsm-gateway");
  const channel = openSigningChannel(context.connect(SigningServiceDefinition, "hsm-gateway"), {
    ...{ log, clock },
    deadlineMs: SIGNATURE_DEADLINE_MS,
  });
  const openSigner: OpenSigner = (key) => remoteSigner(channel, key);

  // What the ca says.
  const common = { store, clock, log, metrics, issuers, currency, memory, certificates };
  const recording = new Recording(certificates, answers, issuers, log);
  const projection = new Projection({
    ...{ ...common, recording, ca, positions: new PositionTable(db), patienceMs: CA_PATIENCE_MS },
  });
  const lists = new Lists({ ...common, table: new ListTable(db), crls });
  const watchers = new Watchers({ certificates, issuers, clock });

  // Who answers.
  const responders = new Responders(responderTable, openSigner, clock);
  const enrolment = new Enrolment({
    ...{ ...common, table: responderTable, responders, keys, ca, profiles, openSigner },
    ...{ profile: config.responders.profile, keyLifeMs: config.responders.keyLife },
    answerLifeMs: config.answers.validity,
  });
  const onDeadKey = (responder: number) => {
    enrolment.retire(responder).then(
      () => chores.soon("responders", COALESCE_MS),
      (error) => log.warn("responder not retired", { responder, error }),
    );
  };

  // Answers.
  const preproduction = new Preproduction({
    ...{ ...common, answers, responders, onDeadKey, random },
    ...{ validityMs: config.answers.validity, jitter: config.answers.jitter },
    budget: new Budget(clock, config.answers.signaturesPerSecond),
  });
  const onDemand = new OnDemand({
    log,
    metrics,
    onDeadKey,
    budget: new Budget(clock, config.answers.onDemandPerSecond),
  });
  const desk = new Desk({
    ...{ ...common, responders, onDemand, neverIssued: config.answers.neverIssued },
    ...{ validityMs: config.answers.validity, neverIssuedValidityMs: config.answers.neverIssuedValidity },
    cachedAnswers: config.limits.cachedAnswers,
  });
  const files = new Files(issuers, lists, clock);
  const health = new Health({ ...common, responders, lists, limits: config.alarms }, telemetry.meter);
  const alarms = openAlarms(store, config.organisation, log);

  // Who hears of what.
  projection.onRecorded((changes) => {
    metrics.changes.add(changes.length);
    preproduction.recorded(changes);
    watchers.recorded(changes);
    if (issuers.hasUnlisted) chores.soon("issuers", COALESCE_MS);
  });
  responders.onChange((issuer) => preproduction.responderChanged(issuer));
  issuers.onChange(() => {
    chores.soon("responders", 0);
    chores.soon("lists", 0);
  });

  const { projection: projecting } = config;
  const chores = startChores(
    {
      pull: { everyMs: projecting.pullInterval, run: () => projection.pull() },
      issuers: { everyMs: projecting.issuersInterval, run: () => refreshIssuers(issuers, authorities, log) },
      responders: { everyMs: config.responders.interval, run: () => enrolment.run() },
      lists: { everyMs: config.lists.interval, run: () => lists.run() },
      health: { everyMs: config.alarms.interval, run: () => alarms.update(health.examine()) },
      expiry: { everyMs: EXPIRY_INTERVAL_MS, run: () => memory.dropExpired() },
    },
    log,
  );
  const heard = (event: FactEvent): void => {
    const change = changeFromEvent(event);
    if (change !== undefined) projection.offer(change);
    else if (event.type.startsWith("pki.authority.")) chores.soon("issuers", COALESCE_MS);
    else if (event.type === "pki.crl.published.v1") chores.soon("lists", COALESCE_MS);
  };
  const following = context.bus && followEvents(context.bus, SUBJECTS, heard, log);

  // At work: what is stored is served at once, what is new is asked for.
  const loaded = memory.load();
  loaded.catch((error) => log.error("answers not loaded", { error }));
  preproduction.start();
  const door = await openHttpDoor({
    ...{ ...config.http, limits: config.limits, clock, log },
    ocsp: new OcspDoor({ desk, counts, clock, log, cacheForMs: config.answers.cacheFor }),
    downloads: new Downloads({ files, clock, cacheForMs: config.lists.cacheFor }),
  });
  log.info("http door open", { httpPort: door.port });
  const begin = async (): Promise<void> => {
    await Promise.all([chores.run("pull"), chores.run("issuers")]);
    await Promise.all([chores.run("responders"), chores.run("lists")]);
  };
  const begun = begin();

  return {
    ...{ store, httpPort: door.port, loaded },
    services: [statusService({ certificates, issuers, currency, watchers })],
    get currency() {
      return currency.state;
    },
    async ready() {
      return {
        store: db.open ? true : "the database is closed",
        projection: currency.state === "behind" ? "changes of status are missing" : true,
      };
    },
    pull: () => projection.pull(),
    signDue: () => preproduction.runDue(),
    examine: () => alarms.update(health.examine()),
    async refresh() {
      await begun;
      await begin();
      await preproduction.runDue();
    },
    async close() {
      await following?.stop();
      await door.close();
      watchers.close();
      memory.close();
      await projection.close();
      await begun;
      await chores.stop();
      await preproduction.stop();
      await channel.close();
      await store.close();
    },
  };
}

const SUBJECTS = ["pki.*.certificate.*", "pki.*.authority.*", "pki.*.crl.*"];

const random = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;
