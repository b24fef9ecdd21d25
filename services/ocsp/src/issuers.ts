import type { Store } from "@vcc-pki/store";
import {
  type CertId,
  type CertIdHash,
  type IssuerHashes,
  issuerHashes,
  ocspArchiveCutoff,
  parseCertificate,
  toHex,
} from "@vcc-pki/x509";
import type { IssuerFacts, IssuerTable, StoredIssuer } from "./store/issuers.ts";

/** An authority whose certificates we can be asked about. */
export interface Issuer extends StoredIssuer {
  readonly certificateDer: Uint8Array;
  readonly spkiDer: Uint8Array;
  readonly notBefore: Date;
  readonly hashes: Readonly<Record<CertIdHash, IssuerHashes>>;
  /** Lower-case hex of its subjectKeyIdentifier. */
  readonly keyIdHex: string;
  /** singleExtensions of every answer about its certificates. */
  readonly singleExtensions: readonly Uint8Array[] | undefined;
}

/** The authorities that the ca has listed, as they are in the database, ready to be looked up. */
export class Issuers {
  readonly #store: Store;
  readonly #table: IssuerTable;
  readonly #byNumber = new Map<number, Issuer>();
  readonly #byAuthority = new Map<string, Issuer>();
  /** By `issuerKey` of a CertID. */
  readonly #byHashes = new Map<string, Issuer>();
  readonly #numbers = new Map<string, number>();
  readonly #known = new Set<number>();
  readonly #listeners = new Set<(added: readonly Issuer[]) => void>();

  constructor(store: Store, table: IssuerTable) {
    this.#store = store;
    this.#table = table;
    this.#load();
  }

  all(): IterableIterator<Issuer> {
    return this.#byNumber.values();
  }

  find(issuer: number): Issuer | undefined {
    return this.#byNumber.get(issuer);
  }

  findByAuthority(authorityId: string): Issuer | undefined {
    return this.#byAuthority.get(authorityId);
  }

  /** The issuer that a request means. undefined: none of ours, or named by a hash nobody uses. */
  findByCertId({ issuerKey }: CertId): Issuer | undefined {
    return issuerKey === undefined ? undefined : this.#byHashes.get(issuerKey);
  }

  /** The number of an authority that has one. */
  findNumber(authorityId: string): number | undefined {
    return this.#numbers.get(authorityId);
  }

  hasNumber(issuer: number): boolean {
    return this.#known.has(issuer);
  }

  /** The number of an authority, which gets one if it has none. Only inside `store.write`. */
  numberOf(authorityId: string, organisation: string): number {
    return this.#numbers.get(authorityId) ?? this.#table.numberOf(authorityId, organisation);
  }

  /** True if certificates of an authority have come that the ca has not listed. */
  get hasUnlisted(): boolean {
    return this.#numbers.size > this.#byNumber.size;
  }

  /** Takes over what the ca lists. An authority that is not listed any more stays: its certificates are still asked about. */
  async replace(listed: readonly IssuerFacts[]): Promise<void> {
    const changed = listed.filter((facts) => !this.#isKnown(facts));
    if (changed.length === 0) return;
    await this.#store.write(() => {
      for (const facts of changed) this.#table.store(facts);
    });
    this.reload();
  }

  /** Reads the database again, after a number was given to an authority. */
  reload(): void {
    const added = this.#load();
    if (added.length > 0) for (const listener of this.#listeners) listener(added);
  }

  /** Calls `listener` with authorities that have come or changed. */
  onChange(listener: (issuers: readonly Issuer[]) => void): void {
    this.#listeners.add(listener);
  }

  #isKnown(facts: IssuerFacts): boolean {
    const known = this.#byAuthority.get(facts.authorityId);
    return known !== undefined && fingerprint(known) === fingerprint(facts);
  }

  #load(): Issuer[] {
    const changed: Issuer[] = [];
    for (const stored of this.#table.all()) {
      this.#numbers.set(stored.authorityId, stored.issuer);
      this.#known.add(stored.issuer);
      const known = this.#byNumber.get(stored.issuer);
      if (stored.certificateDer === undefined || (known && fingerprint(known) === fingerprint(stored))) continue;
      const issuer = toIssuer(stored, stored.certificateDer);
      this.#byNumber.set(issuer.issuer, issuer);
      this.#byAuthority.set(issuer.authorityId, issuer);
      for (const { issuerKey } of Object.values(issuer.hashes)) this.#byHashes.set(issuerKey, issuer);
      changed.push(issuer);
    }
    return changed;
  }
}

function fingerprint({ organisation, parentId, state, certificateDer, ...flags }: IssuerFacts): string {
  const { issuesResponders, archives, crlShards } = flags;
  const der = certificateDer && toHex(certificateDer);
  return JSON.stringify([organisation, parentId, state, der, issuesResponders, archives, crlShards]);
}

function toIssuer(stored: StoredIssuer, certificateDer: Uint8Array): Issuer {
  const certificate = parseCertificate(certificateDer);
  return {
    ...stored,
    certificateDer,
    spkiDer: certificate.spkiDer,
    notBefore: certificate.notBefore,
    hashes: issuerHashes(certificate),
    keyIdHex: toHex(certificate.subjectKeyIdentifier ?? new Uint8Array()),
    // We keep the status of all it ever issued (RFC 6960 section 4.4.4).
    singleExtensions: stored.archives ? [ocspArchiveCutoff(certificate.notBefore)] : undefined,
  };
}
