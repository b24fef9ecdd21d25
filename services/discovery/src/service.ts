import { CertificateServiceDefinition, OrganizationServiceDefinition } from "@vcc-pki/proto/ca";
import { suiteId } from "@vcc-pki/rpc";
import {
  Administrators,
  auditRefusal,
  defineService,
  type RunningService,
  type ServiceContext,
  startChores,
} from "@vcc-pki/service";
import { openStore, type Store, type StoreOptions } from "@vcc-pki/store";
import { agents } from "./agents.ts";
import { certificateEvents } from "./certificate-events.ts";
import { DiscoveryConfig } from "./config.ts";
import { Dependencies } from "./dependencies.ts";
import { Enrol } from "./enrol.ts";
import { enrolment } from "./enrolment.ts";
import { registryService } from "./grpc/registry.ts";
import { checkInventory, inventoryPart } from "./inventory/part.ts";
import { readIssuerKeys } from "./kubernetes.ts";
import type { Part, PartContext } from "./part.ts";
import { policy } from "./policy/policy.ts";
import { checkMatrixFile } from "./policy/shipped-matrix.ts";
import { Provisioning } from "./provisioning.ts";
import { Registry } from "./registry.ts";
import { readServiceCatalogue } from "./service-catalogue.ts";
import { ChangeTable } from "./store/changes.ts";
import { EnrolmentTable } from "./store/enrolments.ts";
import { NoticeTable } from "./store/notices.ts";
import { ObservedCallTable } from "./store/observed-calls.ts";
import { RequestTable } from "./store/requests.ts";
import { ServiceTable } from "./store/services.ts";

/** The discovery service at work, with a handle for those who do not want to wait for a timer. */
export interface RunningDiscovery extends RunningService {
  readonly store: Store;
  readonly provisioning: Provisioning;
  /** Runs every chore once, in turn. */
  runChores(): Promise<void>;
}

export const discovery = defineService({
  name: "discovery",
  config: DiscoveryConfig,
  check(config) {
    const { enrolment, catalogueFile, matrixFile } = config;
    checkInventory(config);
    for (const issuer of enrolment.kubernetes) readIssuerKeys(issuer);
    checkMatrixFile(matrixFile, readServiceCatalogue(catalogueFile));
  },
  start: (config, context) => startDiscovery(config, context),
});

/** Around the registry, in which each of them looks things up. */
const PARTS: readonly ((context: PartContext) => Part)[] = [
  certificateEvents,
  enrolment,
  agents,
  policy,
  inventoryPart,
];

/** Starts the service. `faults` make its store fail, for tests. */
export async function startDiscovery(
  config: DiscoveryConfig,
  context: ServiceContext,
  { faults }: Pick<StoreOptions, "faults"> = {},
): Promise<RunningDiscovery> {
  const { clock, log } = context;
  const migrations = new URL("../migrations/", import.meta.url);
  const store = openStore({ ...config.store, migrations, clock, faults });
  const administrators = new Administrators(context.connect(OrganizationServiceDefinition, "ca"));
  const changes = new ChangeTable(store.db);
  const requests = new RequestTable(store.db);
  const registry = new Registry({ store, table: new ServiceTable(store.db), changes, clock, log });
  const self = suiteId("discovery", context.trustDomain);
  const notices = new NoticeTable(store.db);
  const provisioning = new Provisioning({ store, registry, notices, clock, self });
  const enrol = new Enrol({
    ...{ store, registry, clock, self, enrolments: new EnrolmentTable(store.db) },
    certificates: context.connect(CertificateServiceDefinition, "ca"),
  });
  const dependencies = new Dependencies({ store, table: new ObservedCallTable(store.db), registry, clock });
  const partContext: PartContext = {
    ...{
      ...context,
      config,
      store,
      administrators,
      registry,
      provisioning,
      notices,
      enrol,
      dependencies,
      requests,
      self,
    },
  };

  const parts = PARTS.map((start) => start(partContext));
  const chores = startChores(Object.assign({}, ...parts.map((part) => part.chores ?? {})), log);
  const begun = chores.runAll();

  return {
    ...{ store, provisioning, mayForward: ["gateway"] },
    services: [
      registryService({
        store,
        registry,
        changes,
        requests,
        administrators,
        profiles: config.profiles,
        clock,
        dependencies,
      }),
      ...parts.flatMap((part) => part.services),
    ],
    onRefused: (refusal) => auditRefusal(store, refusal, config.organisation),
    async ready() {
      const reports = parts.map((part) => part.ready?.() ?? {});
      return Object.assign({ store: store.db.open ? true : "the database is closed" }, ...reports);
    },
    async runChores() {
      await begun;
      await chores.runAll();
    },
    async close() {
      for (const part of parts) part.stop?.();
      await begun;
      await chores.stop();
      for (const part of [...parts].reverse()) await part.close?.();
      await store.close();
    },
  };
}
