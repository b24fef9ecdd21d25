import { CertificateHistory, LifecycleReport, type LifecycleState, ManagedList } from "@vcc-pki/gateway/api";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

/** What became of a certificate, of those before it and of those after it. */
export async function showHistory(id: string, session: Session): Promise<void> {
  const history = await session.client.call({
    path: `/api/v1/certs/history/${encodeURIComponent(id)}`,
    query: { organisation: session.settings.organisation },
    answer: CertificateHistory,
  });
  session.result(history, () => history.certificates.map(historyText).join("\n\n"));
}

function historyText({ certificate, changes }: CertificateHistory["certificates"][number]): string {
  const head = fields([
    ["certificate", certificate.cert_id],
    ["of", certificate.subject],
    ["profile", `${certificate.profile}, version ${certificate.profile_version}`],
    ["key", `${certificate.key_algorithm}, SHA-256 ${certificate.public_key_sha256}`],
    ["valid", `${date(certificate.not_before)} to ${date(certificate.not_after)}`],
    ["state", certificate.state],
  ]);
  const rows = changes.map(({ at, change, to, actor, reason }) => [date(at), change, to, actor, reason]);
  return `${head}\n\n${table(["when", "what", "state", "by", "why"], rows, "nothing")}`;
}

export interface ListManagedOptions {
  readonly state?: LifecycleState;
  readonly profile?: string;
  readonly within?: string;
  readonly limit?: string;
}

/** Where certificates are in their lives; what ends first comes first. */
export async function listManaged(options: ListManagedOptions, session: Session): Promise<void> {
  const { state, profile, within, limit } = options;
  const now = session.io.clock.now();
  const before = within === undefined ? undefined : new Date(now.getTime() + Number(within) * 86_400_000);
  const list = await session.client.call({
    path: "/api/v1/lifecycle/certificates",
    query: {
      ...{ organisation: session.settings.organisation, state, profile },
      ...{ expires_before: before?.toISOString(), page_size: limit },
    },
    answer: ManagedList,
  });
  const rows = list.certificates.map((each) => [
    ...[dateWithDistance(each.not_after, now), each.state, each.profile, each.subject, each.cert_id],
  ]);
  session.result(list, () => table(["ends", "state", "profile", "of", "certificate"], rows, "no certificates"));
}

export interface ReportOptions {
  readonly from?: string;
  readonly until?: string;
}

/** What was issued, renewed, revoked and forgotten, and what is about to end. */
export async function showReport({ from, until }: ReportOptions, session: Session): Promise<void> {
  const report = await session.client.call({
    path: "/api/v1/lifecycle/report",
    query: { organisation: session.settings.organisation, from: momentOf(from), until: momentOf(until) },
    answer: LifecycleReport,
  });
  session.result(report, () => reportText(report));
}

/** "2026-11-01" is its first moment, in UTC. */
const momentOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;

function reportText(report: LifecycleReport): string {
  const { profiles, upcoming, renewal_rate: rate, mean_replacement_seconds: mean, states } = report;
  const head = fields([
    ["organisation", report.organisation],
    ["period", `${date(report.from)} to ${date(report.until)}`],
    ["renewed", rate === undefined ? "nothing was due" : `${(rate * 100).toFixed(1)} % of what ended or was replaced`],
    ["replaced", mean === undefined ? undefined : `${mean.toFixed(1)} s from issuance to use, on average`],
    [
      "now",
      Object.entries(states)
        .map(([state, count]) => `${count} ${state}`)
        .join(", "),
    ],
  ]);
  const rows = profiles.map((each) => [
    each.profile,
    ...[each.issued, each.succeeding, each.renewed, each.revoked, each.suspended, each.expired].map(String),
  ]);
  const most = Math.max(1, ...upcoming.map(({ ending }) => ending));
  const weeks = upcoming.map(({ from, ending }) => [
    ...[from.slice(0, 10), String(ending), "█".repeat(Math.ceil((ending / most) * BAR))],
  ]);
  const ended = report.ended_without_successor.map((each) => [date(each.not_after), each.profile, each.subject]);
  return [
    head,
    table(["profile", "issued", "succeeding", "renewed", "revoked", "suspended", "expired"], rows, "nothing happened"),
    table(["week from", "ending", ""], weeks, ""),
    ...(ended.length > 0 ? [table(["ended without successor", "profile", "of"], ended, "")] : []),
  ].join("\n\n");
}

/** Characters of the longest bar. */
const BAR = 40;
