import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";

/** Something that is not as it should be. */
export interface AlarmFinding {
  readonly alarm: string;
  /** Whose. */
  readonly subject: string;
  readonly detail: string;
}

export interface AlarmsOptions<F extends AlarmFinding> {
  readonly store: Store;
  /** Writes what others are to know of it. Runs inside `store.write`. */
  readonly tell: (finding: F, raised: boolean) => void;
  /** How one that begins is logged. */
  readonly severity: "warn" | "error";
  readonly log: Logger;
}

/** Tells what is wrong, once when it begins and once when it is over. */
export class Alarms<F extends AlarmFinding> {
  readonly #options: AlarmsOptions<F>;
  #raised = new Map<string, F>();

  constructor(options: AlarmsOptions<F>) {
    this.#options = options;
  }

  /** Takes everything that is wrong now. Rejects with STORE_UNAVAILABLE, and then tells the same the next time. */
  async update(findings: readonly F[]): Promise<void> {
    const current = new Map(findings.map((finding) => [`${finding.alarm} ${finding.subject}`, finding]));
    const begun = [...current].filter(([key]) => !this.#raised.has(key)).map(([, finding]) => finding);
    const over = [...this.#raised].filter(([key]) => !current.has(key)).map(([, finding]) => finding);
    if (begun.length + over.length === 0) return;
    const { store, tell, severity, log } = this.#options;
    await store.write(() => {
      for (const finding of begun) tell(finding, true);
      for (const finding of over) tell(finding, false);
    });
    for (const { alarm, subject, detail } of begun) log[severity]("alarm raised", { alarm, subject, detail });
    for (const { alarm, subject } of over) log.info("alarm is over", { alarm, subject });
    this.#raised = current;
  }
}
