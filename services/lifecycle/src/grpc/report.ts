import { PkiError } from "@vcc-pki/errors";
import { type GetReportResponse, type ProfileFigures, ReportServiceDefinition } from "@vcc-pki/proto/lifecycle";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { Clock } from "@vcc-pki/time";
import type { CertificateTable } from "../store/certificates.ts";
import type { FigureTable, Period } from "../store/figures.ts";
import { certificateToProto } from "./messages.ts";

export interface ReportDoor {
  readonly administrators: Administrators;
  readonly certificates: CertificateTable;
  readonly figures: FigureTable;
  readonly clock: Clock;
}

const CALLERS: Callers<typeof ReportServiceDefinition> = { getReport: ["gateway"] };

const WEEK_MS = 7 * 86_400_000;
const WEEKS_AHEAD = 12;
const MAX_ENDED = 100;
const MAX_PERIOD_MS = 10 * 366 * 86_400_000;

export function reportService(door: ReportDoor): ServiceImplementation {
  return implement(
    ReportServiceDefinition,
    {
      async getReport({ organisation: named, from, until }, context) {
        const organisation = await door.administrators.resolveOrganisation(context, named);
        if (from === undefined || until === undefined || from >= until)
          throw new PkiError("REQUEST_MALFORMED", "a period begins before it ends");
        if (until.getTime() - from.getTime() > MAX_PERIOD_MS)
          throw new PkiError("REQUEST_MALFORMED", "a period is ten years at most");
        return report(door, organisation, { from, until });
      },
    },
    CALLERS,
  );
}

function report({ figures, certificates, clock }: ReportDoor, organisation: string, period: Period): GetReportResponse {
  const now = clock.now();
  const weeks = Array.from({ length: WEEKS_AHEAD }, (_, i) => ({
    from: new Date(now.getTime() + i * WEEK_MS),
    until: new Date(now.getTime() + (i + 1) * WEEK_MS),
  }));
  return {
    ...{ organisation, ...period, madeAt: now },
    profiles: byProfile(figures, organisation, period),
    meanReplacementSeconds: figures.meanReplacementSeconds(organisation, period),
    states: { ...figures.states(organisation) },
    upcoming: weeks.map((week) => ({ ...week, ending: figures.ending(organisation, week) })),
    endedWithoutSuccessor: figures.ended(organisation, period, MAX_ENDED).flatMap((certificateId) => {
      const certificate = certificates.find({ organisation, certificateId });
      return certificate ? [certificateToProto(certificate)] : [];
    }),
  };
}

function byProfile(figures: FigureTable, organisation: string, period: Period): ProfileFigures[] {
  const succeeding = figures.succeeding(organisation, period);
  const counts = Map.groupBy(figures.changes(organisation, period), ({ profile }) => profile);
  return [...counts].map(([profile, changes]) => {
    const sum = (isMeant: (each: (typeof changes)[number]) => boolean) =>
      changes.filter(isMeant).reduce((total, { count }) => total + count, 0);
    return {
      profile,
      issued: sum(({ change }) => change === "issued"),
      succeeding: succeeding.get(profile) ?? 0,
      renewed: sum(({ to }) => to === "renewed"),
      revoked: sum(({ to }) => to === "revoked"),
      suspended: sum(({ to }) => to === "suspended"),
      expired: sum(({ to }) => to === "expired"),
    };
  });
}
