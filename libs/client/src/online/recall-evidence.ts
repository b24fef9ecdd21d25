import {
  type ArtefactTrust,
  type Digest,
  parseBundle,
  parseRecallList,
  type RecallEvidence,
  recallShardOf,
  verifyRecallList,
} from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { EvidenceOptions, GatheredEvidence } from "./revocation-evidence.ts";

/** A list of 16 MiB, twice in base64. */
const MAX_LIST_OCTETS = 40 * 1024 * 1024;
/** Asked again after so long: so soon is known what is recalled. */
const MAX_AGE_MS = 30_000;

export interface RecallOptions extends EvidenceOptions {
  /** Where the lists of the signing service are: `{url}/recall/{shard}.json`, the shard as a hex digit. */
  readonly url: string;
  readonly trust: ArtefactTrust;
}

/** The recall list for an artefact. One that is older than what was seen is not taken; the one from before goes on counting when nobody can be reached,
 *  until its grace ends. Whether that list is to be trusted, and what it says, is for the verification. */
export async function gatherRecall(
  digest: Digest,
  { url, trust, kept, clock, graceMs }: RecallOptions,
): Promise<{ readonly recall?: RecallEvidence; readonly problems: GatheredEvidence["problems"] }> {
  const shard = recallShardOf(digest);
  const place = `${url.replace(/\/$/, "")}/recall/${shard.toString(16)}.json`;
  const at = clock.now();
  const isRight = (bundle: Uint8Array, before?: Uint8Array) => {
    const lastNumber = before && numberOf(before);
    return verifyRecallList({ bundle, at, graceMs: 0, lastNumber }, trust).list?.shard === shard;
  };
  try {
    const request = { url: place, accept: "application/json", maxBytes: MAX_LIST_OCTETS };
    const { octets, isKept } = await kept.get(request, { maxAgeMs: MAX_AGE_MS, isRight });
    return { recall: { bundle: octets, at, graceMs: isKept ? graceMs : 0 }, problems: [] };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return { problems: [{ url: place, message: error.message }] };
  }
}

/** Of a list that was right when it was kept. */
function numberOf(bundle: Uint8Array): number | undefined {
  try {
    return parseRecallList(parseBundle(bundle).envelope.payload).number;
  } catch (error) {
    if (error instanceof PkiError) return undefined; // spoilt on disk
    throw error;
  }
}
