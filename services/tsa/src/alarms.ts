import { event } from "@vcc-pki/events";
import { type AlarmFinding, Alarms } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";

/** Something that is not as it should be: with the clock of a replica, or a unit of it. */
export interface Finding extends AlarmFinding {
  readonly alarm: "clock" | "unit";
}

export interface AlarmsOptions {
  readonly store: Store;
  readonly organisation: string;
  /** The service's SPIFFE URI. */
  readonly self: string;
  readonly log: Logger;
}

/** Tells what is wrong with time by events and puts it on record (EN 319 421 section 7.13). */
export const openAlarms = ({ store, organisation, self, log }: AlarmsOptions): Alarms<Finding> =>
  new Alarms({
    ...{ store, log, severity: "error" },
    tell(finding, raised) {
      store.outbox.add(event("pki.timestamp.alarm.v1", organisation, { ...finding, raised }));
      store.audit.add({
        action: `${finding.alarm}.${raised ? "lost" : "back"}`,
        ...{ outcome: "done", caller: self, requester: self, organisation, target: finding.subject },
        details: { detail: finding.detail },
      });
    },
  });
