import type { Signer } from "@vcc-pki/signer";
import type { Clock } from "@vcc-pki/time";
import { OcspResponseTemplate, sha1KeyIdentifier } from "@vcc-pki/x509";
import { RESPONDER_ALGORITHM } from "./responder-key.ts";
import type { ResponderTable, StoredResponder } from "./store/responders.ts";

/** A delegated key with its certificate, ready to answer for its authority. */
export interface Responder {
  readonly responder: number;
  readonly issuer: number;
  readonly signer: Signer;
  readonly template: OcspResponseTemplate;
  readonly notAfter: Date;
}

export type OpenSigner = (key: {
  readonly organisation: string;
  readonly keyId: string;
  readonly spkiDer: Uint8Array;
  readonly algorithm: typeof RESPONDER_ALGORITHM;
}) => Signer;

/** Who answers for which authority. */
export class Responders {
  readonly #table: ResponderTable;
  readonly #openSigner: OpenSigner;
  readonly #clock: Clock;
  readonly #byNumber = new Map<number, Responder>();
  readonly #byIssuer = new Map<number, Responder>();
  readonly #listeners = new Set<(issuer: number) => void>();

  constructor(table: ResponderTable, openSigner: OpenSigner, clock: Clock) {
    this.#table = table;
    this.#openSigner = openSigner;
    this.#clock = clock;
    this.reload();
  }

  /** The one that signs for an authority now. */
  findFor(issuer: number): Responder | undefined {
    const responder = this.#byIssuer.get(issuer);
    return responder && responder.notAfter > this.#clock.now() ? responder : undefined;
  }

  /** The one that has signed. */
  find(responder: number): Responder | undefined {
    return this.#byNumber.get(responder);
  }

  all(): IterableIterator<Responder> {
    return this.#byIssuer.values();
  }

  /** Reads the database again, after a key or certificate has come or gone. */
  reload(): void {
    for (const stored of this.#table.all()) {
      const responder = this.#toResponder(stored);
      if (responder === undefined) continue;
      this.#byNumber.set(responder.responder, responder);
      if (stored.retiredAt === undefined) this.#byIssuer.set(responder.issuer, responder);
      else if (this.#byIssuer.get(stored.issuer)?.responder === stored.responder) this.#byIssuer.delete(stored.issuer);
    }
  }

  /** Calls `listener` with the number of an authority whose responder has come or changed. */
  onChange(listener: (issuer: number) => void): void {
    this.#listeners.add(listener);
  }

  announce(issuer: number): void {
    this.reload();
    for (const listener of this.#listeners) listener(issuer);
  }

  #toResponder({ responder, issuer, organisation, key, issued }: StoredResponder): Responder | undefined {
    if (key === undefined || issued === undefined) return undefined;
    const template = new OcspResponseTemplate({
      responderKeyHash: sha1KeyIdentifier(key.spkiDer),
      signatureAlgorithm: RESPONDER_ALGORITHM,
      certificatesDer: [issued.certificateDer],
    });
    const signer = this.#openSigner({ organisation, ...key, algorithm: RESPONDER_ALGORITHM });
    return { responder, issuer, signer, template, notAfter: issued.notAfter };
  }
}
