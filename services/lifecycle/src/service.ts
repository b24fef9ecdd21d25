import { readFileSync } from "node:fs";
import { type FactEvent, followEvents, subscribe } from "@vcc-pki/events";
import { AddressGuard } from "@vcc-pki/network";
import {
  CertificateServiceDefinition,
  OrganizationServiceDefinition,
  ProfileServiceDefinition,
} from "@vcc-pki/proto/ca";
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
import { LifecycleConfig } from "./config.ts";
import { FollowCa } from "./follow-ca.ts";
import { historyService } from "./grpc/history.ts";
import { notificationService } from "./grpc/notifications.ts";
import { reportService } from "./grpc/report.ts";
import { Life } from "./life.ts";
import { deliverDue } from "./notices/deliver.ts";
import { NoticeDesk } from "./notices/desk.ts";
import { applyServiceFact } from "./served.ts";
import { CertificateTable } from "./store/certificates.ts";
import { ChangeTable } from "./store/changes.ts";
import { DeliveryTable } from "./store/deliveries.ts";
import { FigureTable } from "./store/figures.ts";
import { NoticeTable } from "./store/notices.ts";
import { PositionTable } from "./store/position.ts";
import { WebhookTable } from "./store/webhooks.ts";

/** The lifecycle service at work, with a handle for those who do not want to wait for a timer. */
export interface RunningLifecycle extends RunningService {
  readonly store: Store;
  /** Catches up with the ca, and does what is due. */
  refresh(): Promise<void>;
  /** Sends what is due to webhooks. */
  deliver(): Promise<void>;
}

/** Certificates whose time has come, in one transaction. */
const DUE_AT_ONCE = 500;
/** What notices are made of: each event that comes here is a write, so those of every issuance do not. */
const NOTICED = [
  "pki.*.certificate.expiring",
  "pki.*.certificate.expired",
  "pki.*.service.*",
  "pki.*.status.alarm",
  "pki.*.timestamp.alarm",
  "pki.*.approval.requested",
];
/** Changes of one occasion are asked for together: nobody waits for them, and a rush at the ca has its processor for itself. */
const COALESCE_MS = 1_000;

export const lifecycle = defineService({
  name: "lifecycle",
  config: LifecycleConfig,
  start: (config, context) => startLifecycle(config, context),
});

/** Starts the service. `faults` make its store fail, for tests. */
export async function startLifecycle(
  config: LifecycleConfig,
  context: ServiceContext,
  { faults }: Pick<StoreOptions, "faults"> = {},
): Promise<RunningLifecycle> {
  const { clock, log, telemetry, trustDomain, bus } = context;
  const migrations = new URL("../migrations/", import.meta.url);
  const store = openStore({ ...config.store, migrations, clock, faults });
  const certificates = new CertificateTable(store.db);
  const changes = new ChangeTable(store.db);
  const life = new Life(certificates, changes);
  const self = suiteId("lifecycle", trustDomain);

  // What the ca has issued and revoked.
  const follow = new FollowCa({
    ...{ store, certificates, life, clock, log, position: new PositionTable(store.db) },
    ca: context.connect(CertificateServiceDefinition, "ca"),
    profiles: context.connect(ProfileServiceDefinition, "ca"),
    caId: suiteId("ca", trustDomain),
  });

  // What time does.
  const passTime = async (): Promise<void> => {
    for (;;) {
      const due = certificates.due(clock.now(), DUE_AT_ONCE);
      if (due.length === 0) return;
      await store.write(() => {
        for (const certificate of due) {
          const now = certificates.find(certificate);
          if (now?.dueAt && now.dueAt <= clock.now()) life.passTime(now, { actor: self, at: clock.now() });
        }
      });
    }
  };

  // What somebody should know.
  const { trustFile, timeout: timeoutMs } = config.webhooks;
  const notices = {
    ...{ notices: new NoticeTable(store.db), webhooks: new WebhookTable(store.db) },
    deliveries: new DeliveryTable(store.db),
  };
  const sending = {
    ...{ guard: new AddressGuard(config.webhooks.networks), timeoutMs },
    trustPem: trustFile === undefined ? undefined : readFileSync(trustFile, "utf8"),
  };
  const desk = new NoticeDesk({ ...{ store, ...notices, clock }, onWaiting: () => chores.soon("deliver", 0) });

  const chores = startChores(
    {
      deliver: {
        everyMs: config.webhooks.interval,
        run: () => deliverDue({ ...{ store, ...notices, ...sending, clock, log } }),
      },
      follow: { everyMs: config.followInterval, run: () => follow.run() },
      due: { everyMs: config.dueInterval, run: passTime },
    },
    log,
  );
  const heard = ({ type }: FactEvent): void => {
    if (type.startsWith("pki.certificate.")) chores.soon("follow", COALESCE_MS);
  };
  const following = bus && followEvents(bus, ["pki.*.certificate.*"], heard, log);

  // What discovery has seen.
  const served = { certificates, life, trustDomain, clock, onUnknown: () => chores.soon("follow", 0) };
  const subscription =
    bus &&
    subscribe({
      ...{ bus, store, log, meter: telemetry.meter, durable: "lifecycle-services", subject: "pki.*.service.*" },
      handler: (fact) => applyServiceFact(fact, served),
    });

  const listening = bus
    ? NOTICED.map((subject, i) =>
        subscribe({
          ...{ bus, store, log, meter: telemetry.meter, durable: `lifecycle-notices-${i}`, subject },
          handler: (fact) => desk.hear(fact),
        }),
      )
    : [];

  const begun = chores.run("follow").then(() => chores.run("due"));
  const administrators = new Administrators(context.connect(OrganizationServiceDefinition, "ca"));
  const door = { administrators, certificates, changes, figures: new FigureTable(store.db), clock };

  return {
    ...{ store, mayForward: ["gateway"] },
    services: [historyService(door), reportService(door), notificationService({ ...door, ...notices, desk })],
    onRefused: (refusal) => auditRefusal(store, refusal, config.organisation),
    async ready() {
      return { store: store.db.open ? true : "the database is closed" };
    },
    async refresh() {
      await begun;
      await chores.run("follow");
      await chores.run("due");
    },
    deliver: () => chores.run("deliver"),
    async close() {
      await following?.stop();
      await Promise.all([subscription, ...listening].map((each) => each?.close()));
      await begun;
      await chores.stop();
      await store.close();
    },
  };
}
