import {
  type ArtefactTrust,
  type ArtefactVerification,
  parseBundle,
  type RecallRecords,
  type SignatureMaterial,
  type TrustPolicy,
  verifySignedArtefact,
} from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import { type CallContext, itemKey, type RequestKey } from "@vcc-pki/rpc";
import type { SuiteTrust } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { parseSignedData } from "@vcc-pki/x509";
import type { Metrics } from "./metrics.ts";
import type { RecallTable } from "./store/recalls.ts";
import type { SignatureTable, StoredSignature } from "./store/signatures.ts";
import type { UsageTable } from "./store/usages.ts";
import type { VerificationPolicies } from "./verification-policy.ts";
import type { Brought, VerifyQuestion } from "./verify-request.ts";

export interface VerificationOptions {
  readonly store: Store;
  readonly signatures: SignatureTable;
  readonly usages: UsageTable;
  readonly recalls: RecallTable;
  readonly policies: VerificationPolicies;
  readonly trust: SuiteTrust;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** What a question came to. */
export interface Judged {
  readonly policy: string;
  readonly verification: ArtefactVerification;
  /** The one of ours that held, unless the question was judged by what it brought along. */
  readonly signature: StoredSignature | undefined;
}

const MAX_CMS_OCTETS = 1024 * 1024;

/** Says of what was signed, here or elsewhere, whether it may be used: by a policy of the suite's, its roots and lists, and its own recalls. */
export class Verification {
  readonly #options: VerificationOptions;
  readonly #recalls: RecallRecords;

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#recalls = { findRecall: (organisation, digest) => options.recalls.findOf(organisation, digest) };
  }

  /** What does not hold is an answer. Throws NOT_FOUND for the policy, PEER_UNAVAILABLE while it is not known whom to trust. */
  judge(organisation: string, question: VerifyQuestion): Judged {
    const { material, observed, expected, brought, policy } = question;
    const verification = verifySignedArtefact({
      ...{ material, observed, expected, recall: this.#recalls },
      ...{ trust: this.#trust(brought), policy: this.#policy(organisation, question) },
    });
    this.#tell(verification, material.format);
    return { policy, verification, signature: this.#findOwn(organisation, question, verification) };
  }

  /** Puts on record how often each signature of ours has held in one question: the usage, audit record and event, in one commit. A repeat changes
   *  nothing. Throws REQUEST_ID_REUSED. */
  async count(judged: readonly Judged[], request: RequestKey, { caller, requester }: CallContext): Promise<void> {
    const { store, usages, clock } = this.#options;
    const bySignature = Map.groupBy(judged.filter(isOwn), ({ signature: { signature } }) => signature);
    if (bySignature.size === 0) return;
    await store.write(() => {
      for (const [index, same] of [...bySignature.values()].entries()) {
        const { policy, signature: own } = same[0] as Own;
        const { signature, signatureId, artefactDigest, organisation } = own;
        const usage = { action: "verified", context: `policy ${policy}`, times: same.length } as const;
        if (!usages.insert(signature, itemKey(request, index), { ...usage, usedAt: clock.now() })) continue;
        store.audit.add({
          ...{ action: "artefact.verify", outcome: "done", caller: caller.uri, requester: requester.uri, organisation },
          ...{ target: signatureId, requestId: request.requestId },
          details: { policy, times: same.length, artefactDigest },
        });
        const told = { signatureId, artefactDigest, policy, count: same.length };
        store.outbox.add(event("pki.artefact.verified.v1", organisation, told));
      }
    });
  }

  #policy(organisation: string, { policy, type, signer, brought }: VerifyQuestion): TrustPolicy {
    const { policies, trust, trustDomain } = this.#options;
    const known = policies.get(policy, { organisation, trustDomain, authorities: trust.authorities });
    return {
      ...known,
      issuers: [...known.issuers, ...brought.issuers],
      types: known.types.filter((each) => type === undefined || each === type),
      identities: signer === undefined ? known.identities : known.identities.map((each) => named(each, signer)),
    };
  }

  /** The suite's own, and what the question is to be judged by beside that. */
  #trust({ anchors, certificates, crls, ocspResponses }: Brought): ArtefactTrust {
    const { trust, clock } = this.#options;
    if (trust.anchors.length === 0) throw new PkiError("PEER_UNAVAILABLE", "the ca has not said whom to trust");
    const all = [...trust.anchors, ...anchors];
    return {
      ...{ anchors: all, timeStampAnchors: all, intermediates: [...trust.intermediates, ...certificates] },
      revocation: { crls: [...trust.crls, ...crls], ocspResponses, now: clock.now() },
    };
  }

  /** A foreign organisation's signature is not ours to count. */
  #findOwn(
    organisation: string,
    { material, brought }: VerifyQuestion,
    verification: ArtefactVerification,
  ): StoredSignature | undefined {
    if (!verification.ok || verification.artefactDigest === undefined) return undefined;
    if (brought.anchors.length + brought.issuers.length > 0) return undefined;
    const value = signatureValueIn(material);
    return value && this.#options.signatures.findByValue(organisation, verification.artefactDigest, value);
  }

  #tell({ ok, verdicts }: ArtefactVerification, format: SignatureMaterial["format"]): void {
    const { metrics } = this.#options;
    if (ok) metrics.verifications.add(1, { format });
    else metrics.refusals.add(1, { code: verdicts.find((verdict) => !verdict.ok)?.code ?? "INTERNAL" });
  }
}

type Own = Judged & { readonly signature: StoredSignature };
const isOwn = (judged: Judged): judged is Own => judged.signature !== undefined;

/** "*" as the service in question; one that is named already stays, and fits or does not. */
const named = (identity: string, signer: string): string =>
  identity.endsWith("/*") ? identity.replace(/\*$/, signer) : identity;

/** Of what has been verified. */
function signatureValueIn(material: SignatureMaterial): Uint8Array | undefined {
  if (material.format === "bundle") return parseBundle(material.bundle).envelope.signatures[0];
  return parseSignedData(material.cms, MAX_CMS_OCTETS).signerInfos[0]?.signature;
}
