import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";

/** Something that is not as it should be. */
export interface Finding {
  readonly alarm: "clock" | "unit";
  /** Whose: the replica, or a unit of it. */
  readonly subject: string;
  readonly detail: string;
}

export interface AlarmsOptions {
  readonly store: Store;
  readonly organisation: string;
  /** The service's SPIFFE URI. */
  readonly self: string;
  readonly log: Logger;
}

/** Tells what is wrong with time by events and puts it on record (EN 319 421 section 7.13), once when it begins and once when it is over. */
export class Alarms {
  readonly #options: AlarmsOptions;
  #raised = new Map<string, Finding>();

  constructor(options: AlarmsOptions) {
    this.#options = options;
  }

  /** Takes everything that is wrong now. Rejects with STORE_UNAVAILABLE, and then tells the same the next time. */
  async update(findings: readonly Finding[]): Promise<void> {
    const current = new Map(findings.map((finding) => [`${finding.alarm} ${finding.subject}`, finding]));
    const begun = [...current].filter(([key]) => !this.#raised.has(key)).map(([, finding]) => finding);
    const over = [...this.#raised].filter(([key]) => !current.has(key)).map(([, finding]) => finding);
    if (begun.length + over.length === 0) return;
    const { store, log } = this.#options;
    await store.write(() => {
      for (const finding of begun) this.#tell(finding, true);
      for (const finding of over) this.#tell(finding, false);
    });
    for (const { alarm, subject, detail } of begun) log.error("alarm raised", { alarm, subject, detail });
    for (const { alarm, subject } of over) log.info("alarm is over", { alarm, subject });
    this.#raised = current;
  }

  #tell(finding: Finding, raised: boolean): void {
    const { store, organisation, self } = this.#options;
    store.outbox.add(event("pki.timestamp.alarm.v1", organisation, { ...finding, raised }));
    store.audit.add({
      action: `${finding.alarm}.${raised ? "lost" : "back"}`,
      ...{ outcome: "done", caller: self, requester: self, organisation, target: finding.subject },
      details: { detail: finding.detail },
    });
  }
}
