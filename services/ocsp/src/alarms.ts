import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Finding } from "./health.ts";

/** Tells by events what is wrong with revocation, once when it begins and once when it is over. */
export class Alarms {
  readonly #store: Store;
  readonly #organisation: string;
  readonly #log: Logger;
  #raised = new Map<string, Finding>();

  constructor(store: Store, organisation: string, log: Logger) {
    this.#store = store;
    this.#organisation = organisation;
    this.#log = log;
  }

  /** Takes everything that is wrong now. Rejects with STORE_UNAVAILABLE, and then tells the same the next time. */
  async update(findings: readonly Finding[]): Promise<void> {
    const current = new Map(findings.map((finding) => [`${finding.alarm} ${finding.subject}`, finding]));
    const begun = [...current].filter(([key]) => !this.#raised.has(key)).map(([, finding]) => finding);
    const over = [...this.#raised].filter(([key]) => !current.has(key)).map(([, finding]) => finding);
    if (begun.length + over.length === 0) return;
    await this.#store.write(() => {
      for (const finding of begun) this.#tell(finding, true);
      for (const finding of over) this.#tell(finding, false);
    });
    for (const { alarm, subject, detail } of begun) this.#log.warn("alarm raised", { alarm, subject, detail });
    for (const { alarm, subject } of over) this.#log.info("alarm is over", { alarm, subject });
    this.#raised = current;
  }

  #tell(finding: Finding, raised: boolean): void {
    this.#store.outbox.add(event("pki.status.alarm.v1", this.#organisation, { ...finding, raised }));
  }
}
