import { type Interval, intersect, overlap } from "./intersection.ts";
import type { Leap, SourceKind, SourceReport } from "./source.ts";

/** What one source has said, for the record. */
export interface SourceStatement {
  readonly name: string;
  readonly kind: SourceKind;
  readonly report: SourceReport;
  /** Whether it counted. A daemon beside other sources does not, nor a server that has voted under another name. */
  readonly hasVote: boolean;
  /** Whether its word is possible, given what the majority says. A voter that differs is a falseticker. Absent: nothing to compare. */
  readonly agrees?: boolean;
}

export interface Quorum {
  /** `disagreed`: enough have answered, and no majority of them can be right at once. */
  readonly status: "agreed" | "too-few" | "disagreed";
  /** Where UTC is, relative to the timeline. Only if agreed. */
  readonly interval?: Interval;
  /** What most of those who agree announce. */
  readonly leap: Leap;
  readonly statements: readonly SourceStatement[];
}

export interface QuorumRules {
  /** So many must have answered. */
  readonly minimumSources: number;
  /** Offsets are of this moment of the counter. */
  readonly startMs: number;
  readonly driftPpm: number;
}

type Heard = Pick<SourceStatement, "name" | "kind" | "report">;

/** Daemons have no vote beside others. */
export function votersAmong<S extends { readonly kind: SourceKind }>(sources: readonly S[]): readonly S[] {
  const others = sources.filter(({ kind }) => kind !== "daemon");
  return others.length > 0 ? others : sources;
}

/** Counts the votes. More than half of all voters must agree, the silent ones included: else who can silence the honest ones would make a
 *  majority of the rest. */
export function countVotes(heard: readonly Heard[], rules: QuorumRules): Quorum {
  const voters = votersAmong(heard);
  const majority = Math.floor(voters.length / 2) + 1;
  const intervals = new Map(heard.map((source) => [source, intervalOf(source.report, rules)]));
  const counted = withoutRepeats(voters).filter((voter) => intervals.get(voter) !== undefined);
  const isEnough = counted.length >= Math.max(rules.minimumSources, majority);
  const votes = counted.flatMap((voter) => intervals.get(voter) ?? []);
  const interval = isEnough ? intersect(votes, majority) : undefined;
  const statements = heard.map((source) => {
    const own = intervals.get(source);
    const agrees = own && interval && overlap(own, interval);
    return { ...source, hasVote: counted.includes(source), ...(agrees !== undefined && { agrees }) };
  });
  if (interval === undefined) return { status: isEnough ? "disagreed" : "too-few", leap: "none", statements };
  return { status: "agreed", interval, leap: leapOf(statements), statements };
}

/** Where UTC was at the start. The source has said so a moment later, and the counter may have run wrong in between. */
function intervalOf(report: SourceReport, { startMs, driftPpm }: QuorumRules): Interval | undefined {
  if (report.status === "failed") return undefined;
  const errorMs = report.errorMs + ((report.monotonicMs - startMs) * driftPpm) / 1e6;
  return { lowMs: report.offsetMs - errorMs, highMs: report.offsetMs + errorMs };
}

/** One server under two names has one vote. */
function withoutRepeats(voters: readonly Heard[]): readonly Heard[] {
  const seen = new Set<string>();
  return voters.filter(({ report }) => {
    if (report.status === "failed" || report.address === undefined) return true;
    const isFirst = !seen.has(report.address);
    seen.add(report.address);
    return isFirst;
  });
}

function leapOf(statements: readonly SourceStatement[]): Leap {
  const announced = statements.flatMap(({ report, hasVote, agrees }) =>
    hasVote && agrees && report.status === "measured" ? report.leap : [],
  );
  const most = (["insert", "delete"] as const).find(
    (leap) => announced.filter((each) => each === leap).length * 2 > announced.length,
  );
  return most ?? "none";
}
