import {
  type ArtefactTrust,
  type Observed,
  type RecallEvidence,
  recalledAs,
  type SignatureMaterial,
  type TrustPolicy,
} from "@vcc-pki/artefact";
import type { Clock } from "@vcc-pki/time";
import type { KeptAnswers } from "./kept-answers.ts";
import { gatherRecall } from "./recall-evidence.ts";
import { type GatheredEvidence, gatherEvidence } from "./revocation-evidence.ts";
import { certificatesIn, withIssuers } from "./signature-certificates.ts";

export interface Online {
  readonly kept: KeptAnswers;
  readonly graceMs: number;
  /** Where the signing service has its recall lists; unless given, nobody is asked about recalls. */
  readonly recallUrl?: string | undefined;
}

interface Asking {
  readonly trust: ArtefactTrust;
  readonly policy: TrustPolicy;
  readonly online?: Online | undefined;
  readonly clock: Clock;
}

/** What there is to judge by, after everybody who may be asked has been. */
export interface Answered {
  readonly trust: ArtefactTrust;
  readonly recall: RecallEvidence | undefined;
  /** Says about recalls what it left open: who knows where the lists are has to know what is in them. */
  readonly policy: TrustPolicy;
  /** Who could not be asked, and why. */
  readonly problems: GatheredEvidence["problems"];
}

const NOT_ASKED = { recall: undefined, problems: [] };

/** Asks about the revocation of each certificate that came along, and about recalls of what is there. */
export async function askOnline(
  material: SignatureMaterial,
  observed: Observed,
  { trust, policy, online, clock }: Asking,
): Promise<Answered> {
  if (online === undefined) return { ...NOT_ASKED, trust, policy };
  const { recallUrl: url } = online;
  const came = certificatesIn(material);
  const anchors = [...trust.anchors, ...trust.timeStampAnchors];
  const pool = [...came, ...(trust.intermediates ?? []), ...anchors];
  const digest = recalledAs(observed);
  const [revocation, { recall, problems }] = await Promise.all([
    gatherEvidence(withIssuers(came, pool, anchors), pool, { ...online, clock }),
    url !== undefined && digest !== undefined ? gatherRecall(digest, { ...online, url, clock, trust }) : NOT_ASKED,
  ]);
  return {
    ...{ trust: { ...trust, revocation: revocation.evidence }, recall },
    policy: { ...policy, recall: policy.recall ?? (url === undefined ? "where-known" : "required") },
    problems: [...revocation.problems, ...problems],
  };
}
