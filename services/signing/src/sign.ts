import { hash, randomUUIDv7 } from "node:crypto";
import type { Digest } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { CallContext, RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { buildSignatureTimeStamp, toHex } from "@vcc-pki/x509";
import type { Metrics } from "./metrics.ts";
import type { OwnSignatures } from "./own-signature.ts";
import type { Recalls } from "./recall.ts";
import type { CertifiedKey, Signers } from "./signers.ts";
import type { Intent, IntentTable } from "./store/intents.ts";
import type { LineageTable, Source } from "./store/lineage.ts";
import type { MadeSignature, SignatureTable, SignedArtefact, StoredSignature } from "./store/signatures.ts";
import { stampSignature, type Tsa } from "./time-stamps.ts";

/** What is to be signed, after policy has admitted it. */
export interface SignInput {
  readonly organisation: string;
  readonly signer: string;
  readonly subject:
    | { readonly artefact: SignedArtefact; readonly artefactDigest: Digest }
    | { readonly sha256: Uint8Array };
  /** What the artefact says that it was made from. */
  readonly sources: readonly Source[];
  readonly request: RequestKey;
}

export interface SigningOptions {
  readonly store: Store;
  readonly intents: IntentTable;
  readonly signatures: SignatureTable;
  readonly lineage: LineageTable;
  readonly recalls: Recalls;
  readonly signers: Signers;
  readonly own: OwnSignatures;
  readonly tsa: Tsa;
  /** The tsa's unit; empty: its first. */
  readonly unit: string;
  /** Signatures in the making at once. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

type Parts = Pick<MadeSignature, "signerKey" | "signedAttributesDer" | "signatureValue" | "tokenDer">;

/** How a signature comes about: CAdES-B-T, detached (EN 319 122-1). Whoever has one has it from the store. A repeat under the same request
 *  id goes on where it was left: the token's signature and the tsa's time stamp are asked for under the signature's own id, and are then
 *  those of the first time. */
export class Signing {
  readonly #options: SigningOptions;
  #waiting = 0;

  constructor(options: SigningOptions) {
    this.#options = options;
  }

  /** Rejects with ARTEFACT_RECALLED, NOT_FOUND for a signer that is none, KEY_NOT_ACTIVE when it does not sign now, ALGORITHM_NOT_ALLOWED for a digest
   *  that is not of its hash, REQUEST_ID_REUSED, RATE_LIMITED; and with what peers say, when nothing was stored as signed. */
  async sign(input: SignInput, context: CallContext): Promise<StoredSignature> {
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

  async #sign(input: SignInput, context: CallContext): Promise<StoredSignature> {
    const { intents, signatures, recalls, tsa, unit, own } = this.#options;
    const { organisation, subject, request } = input;
    // 1 the answer, if it was given before
    const begun = intents.find(request);
    const earlier = begun && signatures.findById(organisation, begun.signatureId);
    if (earlier !== undefined) return earlier;
    // 2 nothing that is recalled; the key, and the intent to sign with it
    const about = aboutOf(subject);
    recalls.requireGood(organisation, about.artefactDigest, input.sources);
    const { intent, key } = await this.#begin(input, begun);
    // 3 the attributes, over a digest of what was checked
    const { digestAlgorithm } = key.template;
    if ("sha256" in subject && digestAlgorithm !== "sha256")
      throw new PkiError("ALGORITHM_NOT_ALLOWED", `this signer signs digests of ${digestAlgorithm}`);
    const content =
      "sha256" in subject ? { hash: "sha256" as const, digest: subject.sha256 } : subject.artefact.manifest;
    const digest = content instanceof Uint8Array ? hash(digestAlgorithm, content, "buffer") : content.digest;
    const signedAttributesDer = key.template.signedAttributes(digest, intent.signingTime);
    // 4 the signature
    const payload = { $case: "cmsSignedAttributes", value: signedAttributesDer } as const;
    const { signatureId, signerKey } = intent;
    const signatureValue = await key.signer.sign(payload, signatureId);
    // 5 the time stamp: none is stored without
    const tokenDer = await stampSignature(tsa, { unit, requestId: signatureId, signatureValue });
    // 6 the whole, looked at as by a relying party
    const parts: Parts = { signerKey, signedAttributesDer, signatureValue, tokenDer };
    const genTime = own.verify(this.assemble(parts), content);
    // 7 the fact
    return this.#record(
      { signatureId, organisation, requester: request.caller, ...about, ...parts, genTime },
      input,
      context,
    );
  }

  /** DER of the ContentInfo, octet by octet as it was answered. */
  assemble({ signerKey, signedAttributesDer, signatureValue, tokenDer }: Parts): Uint8Array {
    const { template } = this.#options.signers.certified(signerKey);
    return template.signedData({
      ...{ signedAttributesDer, signature: signatureValue, withCertificates: true },
      unsignedAttributes: [buildSignatureTimeStamp(tokenDer)],
    });
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
    const { signatureId, organisation, artefactDigest, artefact, genTime } = made;
    const format = artefact === undefined ? "digest" : "manifest";
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

const aboutOf = (subject: SignInput["subject"]): Pick<MadeSignature, "artefactDigest" | "artefact"> =>
  "sha256" in subject ? { artefactDigest: `sha256:${toHex(subject.sha256)}`, artefact: undefined } : subject;
