import type { Check } from "@vcc-pki/x509";
import type { Digest } from "../digest.ts";
import type { ArtefactTrust } from "../verification/signer-trust.ts";
import type { TrustPolicy } from "../verification/trust-policy.ts";
import { type RecallList, recallShardOf } from "./recall-list.ts";
import { type RecallEvidence, verifyRecallList } from "./verify-recall-list.ts";

/** What could have been recalled. */
interface Signed {
  /** Undefined when it is not one of SHA-256: then its signer alone can have been recalled. */
  readonly digest: Digest | undefined;
  readonly signer: { readonly uri: string; readonly organisation: string };
  readonly signedAt: Date;
}

/** The signing service's own knowledge, for itself, who needs no list. */
export interface RecallRecords {
  /** When and why it was recalled; undefined: it was not. */
  findRecall(organisation: string, digest: Digest): { readonly recalledAt: Date; readonly reason: string } | undefined;
}

const KNOWN = "recall-known";
const RECALLED = "recall";

/** Whether an artefact was recalled, or everything that its signer signed since some time. Without a list that counts it is not known, which a
 *  policy can put up with where nothing was brought; a list that was brought and does not count is refused. */
export function checkRecall(
  signed: Signed | undefined,
  evidence: RecallEvidence | RecallRecords | undefined,
  trust: ArtefactTrust,
  policy: TrustPolicy,
): Check[] {
  if (evidence === undefined) {
    const isWaived = policy.recall !== "required";
    return [{ name: KNOWN, ok: isWaived, isWaived, reason: "there is no recall list" }];
  }
  if ("findRecall" in evidence) return [{ name: KNOWN, ok: true }, lookUp(evidence, signed)];
  const { checks, list } = verifyRecallList(evidence, trust);
  if (list === undefined || signed === undefined) return [...checks, ...[KNOWN, RECALLED].map(openCheck)];
  if (signed.digest !== undefined && recallShardOf(signed.digest) !== list.shard) {
    const reason = `the list is of shard ${list.shard}`;
    return [...checks, { name: KNOWN, ok: false, reason }, openCheck(RECALLED)];
  }
  const reason = findRecall(list, signed);
  const recalled: Check = reason === undefined ? { name: RECALLED, ok: true } : { name: RECALLED, ok: false, reason };
  return [...checks, { name: KNOWN, ok: true }, recalled];
}

function lookUp(records: RecallRecords, signed: Signed | undefined): Check {
  if (signed?.digest === undefined) return openCheck(RECALLED);
  const found = records.findRecall(signed.signer.organisation, signed.digest);
  return found === undefined ? { name: RECALLED, ok: true } : { name: RECALLED, ok: false, reason: recallText(found) };
}

function findRecall({ entries }: RecallList, { digest, signer, signedAt }: Signed): string | undefined {
  const entry = entries.find(
    (candidate) =>
      candidate.organisation === signer.organisation &&
      ("digest" in candidate
        ? candidate.digest === digest
        : candidate.signer === signer.uri && signedAt >= candidate.since),
  );
  return entry && recallText(entry);
}

const recallText = ({ recalledAt, reason }: { readonly recalledAt: Date; readonly reason: string }): string =>
  `${recalledAt.toISOString()}: ${reason}`;

const openCheck = (name: string): Check => ({
  ...{ name, ok: false, isOpen: true, reason: "not looked at, for what is before it failed" },
});
