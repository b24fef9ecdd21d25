import { PkiError } from "@vcc-pki/errors";
import type { SuiteTrust } from "@vcc-pki/service";
import type { Clock } from "@vcc-pki/time";
import {
  type CadesQuestion,
  OID,
  type TrustCheck,
  TrustMemory,
  trustAnchors,
  verifyCadesSignature,
} from "@vcc-pki/x509";

/** Chains are looked at so often. A revocation of a signer stops it before it signs; see `Signers`. */
const AHEAD_MS = 60_000;

/** Looks at what was made as a relying party will, before anybody has it. */
export class OwnSignatures {
  readonly #trust: SuiteTrust;
  readonly #clock: Clock;
  /** Who signs and who stamps are the same few: their chains are looked at once, until the ca has something new to say. */
  #signers: TrustCheck;
  #stampers: TrustCheck;
  #generation = -1;

  constructor(trust: SuiteTrust, clock: Clock) {
    this.#trust = trust;
    this.#clock = clock;
    this.#signers = this.#remember(OID.codeSigning);
    this.#stampers = this.#remember(OID.timeStamping);
  }

  /** When it was stamped. Throws SIGNATURE_INVALID, naming each check that fails. */
  verify(der: Uint8Array, about: Pick<CadesQuestion, "content" | "mimeType">): Date {
    if (this.#generation !== this.#trust.generation) {
      this.#generation = this.#trust.generation;
      this.#signers = this.#remember(OID.codeSigning);
      this.#stampers = this.#remember(OID.timeStamping);
    }
    const { ok, checks, timeStamp } = verifyCadesSignature(der, {
      ...about,
      ...{ trust: this.#signers, timeStamp: { trust: this.#stampers } },
    });
    if (ok && timeStamp?.at !== undefined) return timeStamp.at;
    const faults = checks.filter((check) => !check.ok).map(({ name, reason }) => `${name}: ${reason}`);
    throw new PkiError("SIGNATURE_INVALID", `what was signed does not verify: ${faults.join("; ")}`);
  }

  #remember(purpose: string): TrustCheck {
    const trust = trustAnchors({
      ...{ purpose, anchors: this.#trust.anchors, intermediates: this.#trust.intermediates },
      revocation: { crls: this.#trust.crls, ocspResponses: [], now: this.#clock.now() },
    });
    return new TrustMemory(trust, { aheadMs: AHEAD_MS }).check;
  }
}
