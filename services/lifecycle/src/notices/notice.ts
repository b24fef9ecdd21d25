import type { FactEvent } from "@vcc-pki/events";

export const KINDS = [
  ...["certificate.expiring", "certificate.expired", "renewal.failed", "service.lapsed", "service.unreachable"],
  ...["status.alarm", "time.alarm", "approval.requested"],
] as const;

export type Kind = (typeof KINDS)[number];
export type Severity = "info" | "warning" | "critical";

/** Something that somebody should know. */
export interface Notice {
  readonly organisation: string;
  /** What about, and how far: the same is told once. */
  readonly topic: string;
  readonly kind: Kind;
  readonly severity: Severity;
  readonly subject: string;
  readonly text: string;
  readonly raisedAt: Date;
}

/** How near an end is when nobody has acted: the last day, or as much of a short life as a day of ninety. */
const LAST_THRESHOLDS = new Set(["1d", "1/90"]);

/** What a fact is worth telling; undefined: nothing. */
export function noticeOf(fact: FactEvent): Notice | undefined {
  const about = (kind: Kind, severity: Severity, subject: string, topic: string, text: string): Notice => ({
    ...{ organisation: fact.organisation, kind, severity, subject, text },
    ...{ topic: `${kind} ${topic}`, raisedAt: new Date(fact.time) },
  });
  switch (fact.type) {
    case "pki.certificate.expiring.v1": {
      const { certificateId, threshold, notAfter } = fact.data;
      const severity = LAST_THRESHOLDS.has(threshold) ? "critical" : "warning";
      const text = `ends ${notAfter}: ${threshold} ${threshold.includes("/") ? "of its life" : ""} left`.replace(
        "  ",
        " ",
      );
      return about("certificate.expiring", severity, certificateId, `${certificateId} ${threshold}`, text);
    }
    case "pki.certificate.expired.v1": {
      const { certificateId, notAfter } = fact.data;
      return about("certificate.expired", "critical", certificateId, certificateId, `ended ${notAfter}`);
    }
    case "pki.service.failed.v1": {
      const { service, detail } = fact.data;
      return about("renewal.failed", "critical", service, `${service} ${fact.id}`, detail);
    }
    case "pki.service.lapsed.v1":
      return about(
        "service.lapsed",
        "critical",
        fact.data.service,
        `${fact.data.service} ${fact.id}`,
        fact.data.reason,
      );
    case "pki.service.unreachable.v1":
      return about(
        "service.unreachable",
        "warning",
        fact.data.service,
        `${fact.data.service} ${fact.id}`,
        fact.data.reason,
      );
    case "pki.status.alarm.v1":
    case "pki.timestamp.alarm.v1": {
      const { alarm, subject, detail, raised } = fact.data;
      const kind = fact.type === "pki.status.alarm.v1" ? "status.alarm" : "time.alarm";
      return about(
        kind,
        raised ? "critical" : "info",
        subject,
        `${alarm} ${fact.id}`,
        raised ? detail : `${alarm} is over`,
      );
    }
    case "pki.approval.requested.v1": {
      const { approvalId, operation, required, expiresAt } = fact.data;
      const text = `${operation} waits for ${required} custodians until ${expiresAt}`;
      return about("approval.requested", "info", approvalId, approvalId, text);
    }
    default:
      return undefined;
  }
}
