import type { Decision } from "./decide.ts";
import { isWildcard, matchesName } from "./rule.ts";

/** How far an organisation keeps to itself, as the ca knows it. */
export type Isolation = "strict" | "collaborative" | "federated";

/** Both organisations have said that services of the one may call services of the other, until then. */
export interface CrossGrant {
  readonly id: string;
  readonly sourceOrganisation: string;
  readonly sourceService: string;
  readonly targetOrganisation: string;
  readonly targetService: string;
  readonly isGrantedBySource: boolean;
  readonly isGrantedByTarget: boolean;
  readonly expiresAt: Date;
}

/** A side of a call across: its organisation and that one's isolation, and what the service answers to. */
export interface Side {
  readonly organisation: string;
  readonly isolation: Isolation;
  readonly words: readonly string[];
}

/** Decides a call from one organisation to another. A strict one takes part in none; a collaborative one in those that a grant names
 *  service by service; between federated ones a grant may have wildcards. */
export function decideAcross(source: Side, target: Side, grants: readonly CrossGrant[], now: Date): Decision {
  if (source.isolation === "strict" || target.isolation === "strict") {
    return refused(
      `${source.isolation === "strict" ? source.organisation : target.organisation} keeps to itself (strict)`,
    );
  }
  const mayUseWildcards = source.isolation === "federated" && target.isolation === "federated";
  const meant = grants.filter(
    (grant) =>
      grant.sourceOrganisation === source.organisation &&
      grant.targetOrganisation === target.organisation &&
      matchesName(grant.sourceService, source.words) &&
      matchesName(grant.targetService, target.words),
  );
  const usable = meant.filter(
    ({ sourceService, targetService }) => mayUseWildcards || !(isWildcard(sourceService) || isWildcard(targetService)),
  );
  const inForce = usable.find(
    (grant) => grant.isGrantedBySource && grant.isGrantedByTarget && now.getTime() < grant.expiresAt.getTime(),
  );
  if (inForce !== undefined)
    return { allowed: true, rule: inForce.id, reason: "allowed", text: "both organisations have granted it" };
  if (meant.length === 0) return refused("no grant between the organisations names these services");
  if (usable.length === 0) return refused("a wildcard in a grant counts between federated organisations alone");
  return refused("the grant is over, or one of the organisations has not given it");
}

const refused = (text: string): Decision => ({ allowed: false, reason: "no-rule", text });
