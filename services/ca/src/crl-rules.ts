import type { Certificate } from "@vcc-pki/x509";
import type { CaConfig } from "./config.ts";
import type { AuthorityPlan } from "./store/authorities.ts";

/** When lists are signed and how long they live: `crl` of the configuration. */
export type CrlRules = CaConfig["crl"];

/** A list that nobody waits for: authorities under quorum get theirs when it is asked for, or when something is revoked. */
export const NEVER = new Date(8.64e15);

/** What the lists of one authority are like. */
export interface ListPlan {
  /** Over how many lists its certificates are spread. */
  readonly shards: number;
  readonly hasDeltas: boolean;
  /** Each signature takes custodians: one list, that lives long. */
  readonly isUnderQuorum: boolean;
  readonly isRoot: boolean;
  /** What it certifies; undefined: both. */
  readonly scope: "authorities" | "end-entities" | undefined;
}

type Planned = Pick<AuthorityPlan, "authorityId" | "profiles" | "pathLength" | "quorumThreshold" | "parentId">;

export function listPlan(rules: CrlRules, planned: Planned): ListPlan {
  const { authorityId, parentId, profiles, pathLength, quorumThreshold } = planned;
  const isUnderQuorum = quorumThreshold > 0;
  return {
    shards: isUnderQuorum ? 1 : (rules.shards[authorityId] ?? rules.shards.default ?? 1),
    hasDeltas: !isUnderQuorum && (rules.deltas[authorityId] ?? rules.deltas.default ?? true),
    ...{ isUnderQuorum, isRoot: parentId === undefined },
    scope: profiles.length === 0 ? "authorities" : pathLength === 0 ? "end-entities" : undefined,
  };
}

/** Which of so many lists a certificate goes on, by the random end of its serial number. */
export function shardOfSerial(serial: Uint8Array, shards: number): number {
  const [a = 0, b = 0] = serial.subarray(-2);
  return ((a << 8) | b) % shards;
}

/** On no list: an OCSP responder of an authority whose list is about authorities. It carries id-pkix-ocsp-nocheck. */
const UNLISTED = -1;

/** Which list a certificate is on: the one it names (see `PublicUrls.crl`), whatever is configured by now. One that names none is on the
 *  first. */
export function shardOfCertificate({ crlDistributionPoints: [url = ""] }: Certificate, issuer: Planned): number {
  const [, shard] = /\/(\d+)\.crl$/.exec(url) ?? [];
  if (shard !== undefined) return Number(shard);
  return issuer.profiles.length === 0 ? UNLISTED : 0;
}
