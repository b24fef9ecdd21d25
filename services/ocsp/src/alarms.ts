import { event } from "@vcc-pki/events";
import { Alarms } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Finding } from "./health.ts";

/** Tells by events what is wrong with revocation. */
export const openAlarms = (store: Store, organisation: string, log: Logger): Alarms<Finding> =>
  new Alarms({
    ...{ store, log, severity: "warn" },
    tell: (finding, raised) => store.outbox.add(event("pki.status.alarm.v1", organisation, { ...finding, raised })),
  });
