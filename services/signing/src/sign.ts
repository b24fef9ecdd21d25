import { randomUUIDv7 } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { CallContext, RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { assemble, payloadOf } from "./forms.ts";
import type { Metrics } from "./metrics.ts";
import type { OwnSignatures } from "./own-signature.ts";
import type { Recalls } from "./recall.ts";
import type { CertifiedKey, Signers } from "./signers.ts";
import type { Intent, IntentTable } from "./store/intents.ts";
import type { LineageTable, Source } from "./store/lineage.ts";
import type { MadeSignature, SignatureParts, SignatureTable, StoredSignature, Subject } from "./store/signatures.ts";
import type { TimeStamps } from "./time-stamps.ts";

/** What is to be signed, after policy has admitted it. */
export interface SignInput {
  readonly organisation: string;
  readonly signer: string;
  readonly subject: Subject;
  /** What the artefact says that it was made from. */
  readonly sources: readonly Source[];
  readonly request: RequestKey;
}

/** A signature with its octets, see `assemble`. */
export interface SignatureInOctets {
  readonly stored: StoredSignature;
  readonly octets: Uint8Array;
}

export interface SigningOptions {
  readonly store: Store;
  readonly intents: IntentTable;
  readonly signatures: SignatureTable;
  readonly lineage: LineageTable;
  readonly recalls: Recalls;
  readonly signers: Signers;
  readonly own: OwnSignatures;
  readonly timeStamps: TimeStamps;
  /** Signatures in the making at once. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** How a signature comes about, of each format (`forms.ts`). Whoever has one has it from the store. A repeat under the same request
 *  id goes on where it was left: the token's signature and the tsa's time stamp are asked for under the signature's own id, and are then
 *  those of the first time. */
export class Signing {
  readonly #options: SigningOptions;
  #waiting = 0;

  constructor(options: SigningOptions) {
    this.#options = options;
  }

  /** Rejects with ARTEFACT_RECALLED, NOT_FOUND for a signer that is none, KEY_NOT_ACTIVE when it does not sign now, ALGORITHM_NOT_ALLOWED for what
   *  it does not sign with its key, REQUEST_ID_REUSED, RATE_LIMITED; and with what peers say, when nothing was stored as signed. */
  async sign(input: SignInput, context: CallContext): Promise<SignatureInOctets> {
    const { maxWaiting, metrics } = this.#options;
    if (this.#waiting >= maxWaiting) throw new PkiError("RATE_LIMITED", "too much to do: ask again");
    this.#waiting++;
    try {
      return await this.#sign(input, context);
    } catch (error) {
      metrics.failures.add(1, { code: error instanceof PkiError ? error.code : "INTERNAL" });
      throw error;
    } finally {
      this.#waiting--;
    }
  }

  async #sign(input: SignInput, context: CallContext): Promise<SignatureInOctets> {
    const { intents, signatures, recalls, signers, timeStamps, own } = this.#options;
    const { organisation, subject, request } = input;
    // 1 the answer, if it was given before
    const begun = intents.find(request);
    const earlier = begun && signatures.findById(organisation, begun.signatureId);
    if (earlier !== undefined)
      return { stored: earlier, octets: assemble(signers.certified(earlier.signerKey), earlier) };
    // 2 nothing that is recalled; the key, and the intent to sign with it
    recalls.requireGood(organisation, subject.artefactDigest, input.sources);
    const { intent, key } = await this.#begin(input, begun);
    // 3 the signature, of what was checked
    const { signatureId, signerKey, signingTime } = intent;
    const payload = payloadOf(key, subject, signingTime);
    const signatureValue = await key.signer.sign(payload, signatureId);
    // 4 the time stamp: none is stored without
    const tokenDer = await timeStamps.stamp(signatureValue, signatureId);
    // 5 the whole, looked at as by a relying party
    const signedAttributesDer = payload.$case === "cmsSignedAttributes" ? payload.value : undefined;
    const parts: SignatureParts = { ...subject, signerKey, signedAttributesDer, signatureValue, tokenDer };
    const octets = assemble(key, parts);
    const genTime = own.verify(octets, subject);
    // 6 the fact
    const made = { ...parts, signatureId, organisation, requester: request.caller, genTime };
    return { stored: await this.#record(made, input, context), octets };
  }

  /** A signature that was begun goes on with its key; where that does not sign any more, another is begun in its place. */
  async #begin(
    { organisation, signer, request }: SignInput,
    begun: Intent | undefined,
  ): Promise<{ readonly intent: Intent; readonly key: CertifiedKey }> {
    const { store, intents, signers, clock } = this.#options;
    const now = clock.now();
    if (begun !== undefined) {
      const key = signers.certified(begun.signerKey);
      if (signers.whyUnusable(key, now) === undefined) return { intent: begun, key };
    }
    const key = signers.keyFor(organisation, signer, now);
    if (key === undefined) throw new PkiError("NOT_FOUND", "no such signer");
    if (typeof key === "string") throw new PkiError("KEY_NOT_ACTIVE", `the signer does not sign now: ${key}`);
    const made = { signatureId: randomUUIDv7(), signerKey: key.stored.signerKey, signingTime: now };
    const intent = await store.write(() => {
      // The same request twice at once: both go on with what the first has begun.
      const other = intents.find(request);
      if (other !== undefined && other.signatureId !== begun?.signatureId) return other;
      intents.put(request, made);
      return made;
    });
    return { intent, key: signers.certified(intent.signerKey) };
  }

  async #record(
    made: MadeSignature,
    { signer, sources, request: { requestId } }: SignInput,
    { caller, requester }: CallContext,
  ): Promise<StoredSignature> {
    const { store, signatures, lineage, recalls, metrics } = this.#options;
    const { signatureId, organisation, format, artefactDigest, artefact, genTime } = made;
    const { signature, isNew } = await store.write(() => {
      const other = signatures.findById(organisation, signatureId);
      if (other !== undefined) return { signature: other, isNew: false };
      recalls.requireGood(organisation, artefactDigest, sources); // it may have been recalled meanwhile
      const row = signatures.insert(made);
      lineage.insert(row, organisation, artefactDigest, sources);
      store.audit.add({
        ...{ action: "artefact.sign", outcome: "done", caller: caller.uri, requester: requester.uri, organisation },
        ...{ target: signatureId, requestId, details: { format, signer, artefactDigest } },
      });
      store.outbox.add(
        event("pki.artefact.signed.v1", organisation, {
          ...{ signatureId, format, artefactDigest, signer, genTime: genTime.toISOString() },
          ...(artefact && { artefactType: artefact.type }),
        }),
      );
      return { signature: { ...made, signature: row }, isNew: true };
    });
    if (isNew) metrics.signatures.add(1, { format });
    return signature;
  }
}
