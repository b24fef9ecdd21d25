import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store, type StoreOptions } from "@vcc-pki/store";
import { createLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { onTestFinished } from "vitest";
import {
  type Bus,
  type CloudEvent,
  connectBus,
  event,
  type NatsOptions,
  type RelayOptions,
  startRelay,
} from "../src/index.ts";
import type { TestNats } from "./nats-server.ts";

export const SOURCE = "spiffe://vcc.internal/pki/ca";

/** A logger whose lines the test can read. */
export function memoryLog() {
  const lines: { level: string; msg: string; [field: string]: unknown }[] = [];
  const log = createLogger({
    service: "test",
    level: "debug",
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { log, lines, messages: () => lines.map(({ msg }) => msg) };
}

/** A connected bus that is closed after the test. */
export function newBus(nats: TestNats, overrides: Partial<NatsOptions> = {}): Bus {
  const { servers, identity } = nats;
  const bus = connectBus({ servers, identity, name: "test", log: memoryLog().log, ...overrides });
  onTestFinished(() => bus.close());
  return bus;
}

/** A store on disk with the one table `seen`, gone after the test. */
export function newStore(overrides: Partial<StoreOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "vcc-events-"));
  const migrations = new URL("migrations/", import.meta.url);
  const store = openStore({ file: join(directory, "test.db"), migrations, clock: systemClock, ...overrides });
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const insert = store.db.prepare("INSERT INTO seen (certificate_id) VALUES (?)");
  const select = store.db.prepare<[], string>("SELECT certificate_id FROM seen ORDER BY id").pluck();
  return { store, see: (certificateId: string) => void insert.run(certificateId), seen: () => select.all() };
}

export function newRelay(options: Pick<RelayOptions, "store" | "bus"> & Partial<RelayOptions>) {
  const relay = startRelay({ source: SOURCE, log: memoryLog().log, clock: systemClock, ...options });
  onTestFinished(() => relay.stop());
  return relay;
}

/** An organisation nobody used before, so that tests can share a server. */
export const newOrganisation = (): string => `org-${randomBytes(6).toString("hex")}`;

export const expired = (organisation: string, certificateId: string) =>
  event("pki.certificate.expired.v1", organisation, {
    ...{ certificateId, authorityId: "vcc-services-ca", serialHex: "01ab", profile: "mtls_service" },
    notAfter: "2026-11-01T00:00:00Z",
  });

/** Writes one event and resolves when it is stored. */
export const tell = (store: Store, organisation: string, certificateId: string): Promise<string> =>
  store.write(() => store.outbox.add(expired(organisation, certificateId)));

/** What the stream holds for an organisation, in order; `count` is how many events there are at least. */
export async function stored(bus: Bus, organisation: string, count: number): Promise<CloudEvent[]> {
  const marker = `marker-${randomBytes(6).toString("hex")}`;
  const stop = new AbortController();
  const events: CloudEvent[] = [];
  const template = {
    specversion: "1.0",
    source: SOURCE,
    type: "pki.test.marker.v1",
    time: "2026-11-01T00:00:00Z",
  } as const;
  const subject = `pki.${organisation}.test.marker`;
  await bus.publish({ ...template, id: marker, subject, datacontenttype: "application/json", data: {} });
  for await (const found of bus.tail({ subject: `pki.${organisation}.>`, last: count + 1_000, signal: stop.signal })) {
    if (found.id === marker) stop.abort();
    else if (found.type !== template.type) events.push(found);
  }
  return events;
}

export const certificateIds = (events: readonly CloudEvent[]): string[] =>
  events.map(({ data }) => (data as { certificateId: string }).certificateId);
