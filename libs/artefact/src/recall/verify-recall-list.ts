import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate,
  type Check,
  faultsText,
  OID,
  suiteId,
  type TrustCheck,
  trustAnchors,
  verifyDsseSignatureAt,
} from "@vcc-pki/x509";
import { parseBundle } from "../bundle/bundle.ts";
import type { ArtefactTrust } from "../verification/signer-trust.ts";
import { parseRecallList, RECALL_LIST_PAYLOAD_TYPE, type RecallList } from "./recall-list.ts";

/** A recall list as it was fetched or kept. */
export interface RecallEvidence {
  /** A bundle around the list; it has no time stamp, since the list itself says for how long it counts. */
  readonly bundle: Uint8Array;
  /** Now. */
  readonly at: Date;
  /** For how long a list counts after its nextUpdate, in milliseconds: for whoever was cut off. */
  readonly graceMs: number;
  /** The number of the newest list of this shard that was seen, so that nobody brings an older one. */
  readonly lastNumber?: number | undefined;
  readonly trustDomain?: string | undefined;
}

const SOUND = "recall-list";
const CURRENT = "recall-list-current";

/** Whether a recall list is by the suite's signing service and counts now. `list` is there only when both checks hold. */
export function verifyRecallList(
  evidence: RecallEvidence,
  trust: ArtefactTrust,
): { readonly checks: readonly Check[]; readonly list: RecallList | undefined } {
  let list: RecallList;
  try {
    list = readSignedList(evidence, trust);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return { checks: [{ name: SOUND, ok: false, reason: error.message }], list: undefined };
  }
  const reason = findUntimely(list, evidence);
  const current: Check = reason === undefined ? { name: CURRENT, ok: true } : { name: CURRENT, ok: false, reason };
  return { checks: [{ name: SOUND, ok: true }, current], list: current.ok ? list : undefined };
}

function readSignedList({ bundle, at, trustDomain }: RecallEvidence, trust: ArtefactTrust): RecallList {
  const { envelope, certificates } = parseBundle(bundle);
  const { checks } = verifyDsseSignatureAt(envelope, {
    ...{ payloadType: RECALL_LIST_PAYLOAD_TYPE, certificates, at },
    trust: signingServiceTrust(trust, suiteId("signing", trustDomain)),
  });
  const faults = faultsText(checks);
  if (faults !== "") throw new PkiError("RECALL_LIST_MALFORMED", faults);
  return parseRecallList(envelope.payload);
}

/** Lists are by the suite's own service, whose name no organisation's signer can have. */
function signingServiceTrust({ anchors, intermediates = [], revocation }: ArtefactTrust, uri: string): TrustCheck {
  const trusted = trustAnchors({
    ...{ anchors, intermediates, purpose: OID.codeSigning },
    ...(revocation && { revocation }),
  });
  const isNamed = ({ subjectAltNames }: Certificate) =>
    subjectAltNames.uri.length === 1 && subjectAltNames.uri[0] === uri;
  return (signer, others, at) => [
    ...trusted(signer, others, at),
    { name: "identity", ok: isNamed(signer), reason: `the certificate is not for ${uri}` },
  ];
}

function findUntimely(list: RecallList, { at, graceMs, lastNumber = 0 }: RecallEvidence): string | undefined {
  if (list.number < lastNumber) return `it has number ${list.number}, and ${lastNumber} was seen`;
  if (at < list.thisUpdate) return `it is of ${list.thisUpdate.toISOString()}`;
  const until = new Date(list.nextUpdate.getTime() + graceMs);
  return at > until ? `it counted until ${until.toISOString()}` : undefined;
}
