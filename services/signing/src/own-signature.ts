import { parseBundle } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { SuiteTrust } from "@vcc-pki/service";
import type { Clock } from "@vcc-pki/time";
import {
  type DsseQuestion,
  type DsseVerification,
  equalBytes,
  faultsText,
  OID,
  type TrustCheck,
  TrustMemory,
  trustAnchors,
  verifyCadesSignature,
  verifyDsseSignature,
} from "@vcc-pki/x509";
import { contentOf, envelopeOf, isCms, mimeTypeOf } from "./forms.ts";
import type { Subject } from "./store/signatures.ts";

/** Chains are looked at so often. A revocation of a signer stops it before it signs; see `Signers`. */
const AHEAD_MS = 60_000;

/** Looks at what was made as a relying party will, before anybody has it. */
export class OwnSignatures {
  readonly #trust: SuiteTrust;
  readonly #clock: Clock;
  /** By purpose. Who signs and who stamps are the same few: their chains are looked at once, until the ca has something new to say. */
  readonly #remembered = new Map<string, TrustCheck>();
  #generation = -1;

  constructor(trust: SuiteTrust, clock: Clock) {
    this.#trust = trust;
    this.#clock = clock;
  }

  /** When it was stamped. `octets` are of the subject's format. Throws SIGNATURE_INVALID, naming each check that fails. */
  verify(octets: Uint8Array, subject: Subject): Date {
    const trust = { trust: this.#trustFor(OID.codeSigning), timeStamp: { trust: this.#trustFor(OID.timeStamping) } };
    const { ok, checks, timeStamp } = isCms(subject)
      ? verifyCadesSignature(octets, { ...trust, content: contentOf(subject), mimeType: mimeTypeOf(subject) })
      : verifyBundle(octets, subject, trust);
    if (ok && timeStamp?.at !== undefined) return timeStamp.at;
    throw new PkiError("SIGNATURE_INVALID", `what was signed does not verify: ${faultsText(checks)}`);
  }

  #trustFor(purpose: string): TrustCheck {
    if (this.#generation !== this.#trust.generation) this.#remembered.clear();
    this.#generation = this.#trust.generation;
    const known = this.#remembered.get(purpose);
    if (known !== undefined) return known;
    const trust = trustAnchors({
      ...{ purpose, anchors: this.#trust.anchors, intermediates: this.#trust.intermediates },
      revocation: { crls: this.#trust.crls, ocspResponses: [], now: this.#clock.now() },
    });
    const { check } = new TrustMemory(trust, { aheadMs: AHEAD_MS });
    this.#remembered.set(purpose, check);
    return check;
  }
}

/** What stands in the bundle is what was to be signed, and the signature is over it. */
function verifyBundle(
  octets: Uint8Array,
  subject: Subject,
  trust: Pick<DsseQuestion, "trust" | "timeStamp">,
): DsseVerification {
  const { envelope, certificates, timeStamps } = parseBundle(octets);
  const { payloadType, payload } = envelopeOf(subject);
  if (!equalBytes(envelope.payload, payload))
    throw new PkiError("SIGNATURE_INVALID", "the bundle is about something else");
  return verifyDsseSignature(envelope, { ...trust, payloadType, certificates, timeStamps });
}
