import { KeyServiceDefinition, SigningServiceDefinition } from "@vcc-pki/proto/hsm";
import { suiteId } from "@vcc-pki/rpc";
import { auditRefusal, defineService, type RunningService, type ServiceContext, startChores } from "@vcc-pki/service";
import { openSigningChannel, remoteSigner } from "@vcc-pki/signer";
import { openStore, type Store, type StoreOptions } from "@vcc-pki/store";
import { createActors } from "./actor.ts";
import { adoptProfiles } from "./adopt-profiles.ts";
import { Authorities } from "./authorities.ts";
import { AuthorityCreation } from "./authority.ts";
import { addLists } from "./authority-record.ts";
import { Completion } from "./complete.ts";
import { CaConfig, profilesDirectory, readKeyBlocklist } from "./config.ts";
import { Crls } from "./crl.ts";
import { sweep } from "./expiry.ts";
import { authorityService } from "./grpc/authorities.ts";
import { certificateService } from "./grpc/certificates.ts";
import { crlService } from "./grpc/crls.ts";
import { organisationService } from "./grpc/organisations.ts";
import { profileService } from "./grpc/profiles.ts";
import { serviceGrantService } from "./grpc/service-grants.ts";
import { Issuance } from "./issue.ts";
import { listIssuers } from "./issuers.ts";
import { LeafBuilder } from "./leaf.ts";
import { createMetrics } from "./metrics.ts";
import { ensureOperator } from "./operator.ts";
import { Organisations } from "./organisations.ts";
import { readProfiles, recordProfiles } from "./profiles.ts";
import { Releases } from "./release.ts";
import { Revocations } from "./revoke.ts";
import { revokeAuthority } from "./revoke-authority.ts";
import { SerialSource } from "./serial.ts";
import { ServiceGrants } from "./service-grants.ts";
import { AuthorityTable } from "./store/authorities.ts";
import { CertificateList } from "./store/certificate-list.ts";
import { CertificateTable } from "./store/certificates.ts";
import { CrlTable } from "./store/crls.ts";
import { IntentTable } from "./store/intents.ts";
import { KeyTable } from "./store/keys.ts";
import { ListBases } from "./store/list-bases.ts";
import { ListEntries } from "./store/list-entries.ts";
import { ListTable } from "./store/lists.ts";
import { NameIndex } from "./store/name-index.ts";
import { OrganisationTable } from "./store/organisations.ts";
import { ProfileTable } from "./store/profiles.ts";
import { RequestTable } from "./store/requests.ts";
import { RevocationTable } from "./store/revocations.ts";
import { ServiceGrantTable } from "./store/service-grants.ts";
import { StatusLog } from "./store/status-log.ts";
import { publicUrls } from "./urls.ts";

/** A ca at work, with handles for those who do not want to wait for a timer. */
export interface RunningCa extends RunningService {
  readonly store: Store;
  /** Looks after everything that waits: approvals, unfinished issuances, due lists. */
  runChores(): Promise<void>;
  /** Gives the expiry notices that are due; returns how many. */
  sweep(now?: Date): Promise<number>;
}

/** An intent this old belongs to nobody's call any more. */
const ORPHANED_MS = 15_000;
const RESUMED_AT_ONCE = 100;

/** How long the token may take; a caller of the ca usually waits 10 s. */
const SIGNATURE_DEADLINE_MS = 8_000;

export const ca = defineService({
  name: "ca",
  config: CaConfig,
  check(config) {
    readProfiles(profilesDirectory(config), config.policyArc);
    readKeyBlocklist(config);
  },
  start: (config, context) => startCa(config, context),
});

/** Starts the ca. `faults` make its store fail, for tests. */
export async function startCa(
  config: CaConfig,
  context: ServiceContext,
  { faults }: Pick<StoreOptions, "faults"> = {},
): Promise<RunningCa> {
  const { clock, log, telemetry, trustDomain } = context;
  const self = suiteId("ca", trustDomain);
  const operatorOrganisation = config.operator.organisation;
  const migrations = new URL("../migrations/", import.meta.url);
  const readProfileFiles = readProfiles(profilesDirectory(config), config.policyArc);
  const blocklist = readKeyBlocklist(config);
  const store = openStore({ ...config.store, migrations, clock, faults });
  const metrics = createMetrics(telemetry.meter);

  // Tables.
  const { db } = store;
  const organisationTable = new OrganisationTable(db);
  const authorityTable = new AuthorityTable(db);
  const names = new NameIndex(db);
  const certificates = new CertificateTable(db, names);
  const intents = new IntentTable(db);
  const certifiedKeys = new KeyTable(db);
  const requests = new RequestTable(db);
  const revocations = new RevocationTable(db);
  const crlTable = new CrlTable(db);
  const lists = new ListTable(db);
  const statusLog = new StatusLog(db);
  const serviceGrants = new ServiceGrantTable(db);
  await ensureOperator(store, organisationTable, config.operator, { self, clock });
  const profileTable = new ProfileTable(db, operatorOrganisation);
  const profiles = await recordProfiles(readProfileFiles, {
    ...{ store, operatorOrganisation, self, clock, log, table: profileTable },
  });
  await adoptProfiles({
    ...{ store, table: profileTable, authorities: authorityTable, profiles, operatorOrganisation, self, log },
  });

  // Keys.
  const keys = context.connect(KeyServiceDefinition, "hsm-gateway");
  const channel = openSigningChannel(context.connect(SigningServiceDefinition, "hsm-gateway"), {
    ...{ log, clock },
    deadlineMs: SIGNATURE_DEADLINE_MS,
  });
  const openSigner = (key: Parameters<typeof remoteSigner>[1]) => remoteSigner(channel, key);

  // Parts.
  const common = {
    store,
    clock,
    log,
    metrics,
    self,
    operatorOrganisation,
    trustDomain,
    requests,
    certificates,
    statusLog,
    profiles,
  };
  const urls = publicUrls(config.publicBaseUrl);
  const crlRules = config.crl;
  const authorities = new Authorities(authorityTable, openSigner, urls, crlRules);
  const serials = new SerialSource(statusLog.generation, clock);
  const actors = createActors(organisationTable, operatorOrganisation, clock);
  const completion = new Completion({ ...common, intents, authorities });
  const leaves = new LeafBuilder(clock, { backdateMs: config.backdate, beyondIssuer: config.beyondIssuer });
  const issuance = new Issuance({
    ...{ ...common, intents, authorities, serials, leaves, completion, serviceGrants },
    ...{ blocklist, keys: certifiedKeys, platformNames: config.platformNames },
  });
  const crls = new Crls({
    ...{
      ...common,
      crls: crlTable,
      lists,
      bases: new ListBases(db),
      entries: new ListEntries(db),
      authorities,
      rules: crlRules,
      urls,
    },
  });
  const creation = new AuthorityCreation({
    ...{ ...common, table: authorityTable, organisations: organisationTable, lists, crlRules },
    ...{ authorities, serials, keys, openSigner, backdateMs: config.backdate },
  });
  await store.write(() => {
    const withLists = authorities.all().filter(({ certificateDer }) => certificateDer !== undefined);
    for (const authority of withLists) addLists({ lists, crlRules, clock }, authority);
  });
  const organisations = new Organisations({ ...common, table: organisationTable, authorityTable, authorities, actors });

  // Chores.
  const chores = startChores(
    {
      authorities: { everyMs: config.choresInterval, run: () => creation.advanceAll() },
      intents: { everyMs: config.choresInterval, run: () => resume(ORPHANED_MS) },
      crls: { everyMs: config.choresInterval, run: () => crls.runDue() },
      names: { everyMs: config.choresInterval, run: () => names.storeIfDue(store) },
      expiry: { everyMs: config.expiryInterval, run: () => sweep({ store, certificates, clock }) },
    },
    log,
  );
  const onRevoked = () => chores.soon("crls", config.crl.coalesce);
  const revocationContext = { ...common, revocations, lists, authorities, onRevoked };
  const rows = new Revocations(revocationContext);
  const releases = new Releases(revocationContext);

  async function resume(olderThanMs: number): Promise<void> {
    const createdBefore = new Date(clock.now().getTime() - olderThanMs + 1);
    for (const intent of intents.unfinished(createdBefore, RESUMED_AT_ONCE)) {
      await completion
        .run(intent)
        .catch((error) => log.warn("issuance not finished", { requestId: intent.requestId, error }));
    }
  }
  // What an earlier process left behind is nobody's call: no need to wait until it is old.
  void resume(0).catch((error) => log.error("unfinished issuances not resumed", { error }));

  // Door.
  const door = { store, actors, metrics, operatorOrganisation };
  const revoke = revokeAuthority.bind(undefined, { ...revocationContext, table: authorityTable, rows });
  const list = new CertificateList(db);
  const issuersContext = { authorities, profiles, lists };
  return {
    store,
    services: [
      organisationService({ ...door, organisations, table: organisationTable }),
      authorityService({ ...door, authorities, creation, revoke, issuers: () => listIssuers(issuersContext) }),
      profileService(profiles),
      certificateService({
        ...door,
        ...{ issuance, revocations: rows, releases, certificates, list, authorities, statusLog, clock },
      }),
      crlService(door, crls),
      serviceGrantService(door, new ServiceGrants({ ...common, serviceGrants })),
    ],
    mayForward: ["gateway", "ceremony"],
    onRefused: (refusal) => auditRefusal(store, refusal, operatorOrganisation),
    async ready() {
      return { store: db.open ? true : "the database is closed" };
    },
    runChores: () => chores.runAll(),
    sweep: (now) => sweep({ store, certificates, clock }, now),
    async close() {
      await chores.stop();
      await channel.close();
      await store.close();
    },
  };
}
