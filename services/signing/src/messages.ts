import { type ArtefactRecall, type Signature, type SignerKey, SignerState } from "@vcc-pki/proto/signing";
import type { Clock } from "@vcc-pki/time";
import { parseCertificate } from "@vcc-pki/x509";
import { assemble, isCms } from "./forms.ts";
import type { Signers } from "./signers.ts";
import type { RecallTable, StoredRecall } from "./store/recalls.ts";
import type { StoredSignature } from "./store/signatures.ts";
import type { StoredSignerKey } from "./store/signer-keys.ts";

export interface MessagesOptions {
  readonly signers: Signers;
  readonly recalls: RecallTable;
  readonly clock: Clock;
}

/** Of a recall. */
export const MAX_DIGESTS_TOLD = 1_000;

const NOTHING = new Uint8Array();

/** Keys and signatures as callers are told of them. */
export class Messages {
  readonly #options: MessagesOptions;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  signerKey(stored: StoredSignerKey): SignerKey {
    const { signerKeyId, organisation, signer, keyAlgorithm, csrDer, profile, createdAt } = stored;
    const [leafDer] = stored.chainDer;
    return {
      ...{ signerKeyId, organisation, signer, keyAlgorithm, profile, createdAt, state: this.#stateOf(stored) },
      ...{ csrDer: csrDer ?? new Uint8Array(), chainDer: [...stored.chainDer] },
      notAfter: leafDer && parseCertificate(leafDer).notAfter,
    };
  }

  signature(
    stored: StoredSignature,
    octets: Uint8Array = assemble(this.#options.signers.certified(stored.signerKey), stored),
  ): Signature {
    const { signatureId, organisation, format, artefactDigest, artefact, requester, genTime, signerKey } = stored;
    const key = this.#options.signers.certified(signerKey);
    return {
      ...{ signatureId, format, artefactDigest, requester, genTime, signer: key.stored.signer },
      ...(isCms(stored)
        ? { signedDataDer: octets, bundleJson: NOTHING }
        : { signedDataDer: NOTHING, bundleJson: octets }),
      manifest: format === "manifest" && artefact !== undefined ? artefact.content : NOTHING,
      ...{ type: artefact?.type ?? "", name: artefact?.name ?? "", version: artefact?.version ?? "" },
      signerSerialHex: key.certificate.serialHex,
      recalledAt: this.#options.recalls.findOf(organisation, artefactDigest)?.recalledAt,
    };
  }

  recall({ recall, recallId, reason, requester, recalledAt, count }: StoredRecall): ArtefactRecall {
    const artefactDigests = this.#options.recalls.digestsOf(recall, MAX_DIGESTS_TOLD);
    return { recallId, reason, requester, recalledAt, count, artefactDigests };
  }

  #stateOf({ signerKey, retiredAt, chainDer }: StoredSignerKey): SignerState {
    if (retiredAt !== undefined) return SignerState.RETIRED;
    if (chainDer.length === 0) return SignerState.WAITING;
    const { signers, clock } = this.#options;
    const why = signers.whyUnusable(signers.certified(signerKey), clock.now());
    return why === undefined ? SignerState.ACTIVE : SignerState.UNUSABLE;
  }
}
