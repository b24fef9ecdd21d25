import { hash } from "node:crypto";
import type { Clock } from "@vcc-pki/time";
import { pemEncode } from "@vcc-pki/x509";
import type { Issuer, Issuers } from "./issuers.ts";
import type { Lists } from "./lists.ts";
import type { StoredList } from "./store/lists.ts";

/** Something to download. */
export interface DistributedFile {
  readonly body: Buffer;
  readonly mediaType: string;
  /** With its quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  /** Caches must not keep it longer. undefined: it does not run out. */
  readonly nextUpdate: Date | undefined;
}

const MEDIA_TYPES = {
  /** RFC 2585 section 4. */
  list: "application/pkix-crl",
  certificate: "application/pkix-cert",
  /** RFC 8555 section 9.1: certificates and nothing else. */
  certificates: "application/pem-certificate-chain",
  pem: "application/x-pem-file",
} as const;

/** All that relying parties can download, by path. */
export class Files {
  readonly #issuers: Issuers;
  readonly #lists: Lists;
  readonly #clock: Clock;
  readonly #byPath = new Map<string, DistributedFile>();
  /** By path; emptied when something of them changes, and made when somebody asks. */
  readonly #bundles = new Map<string, DistributedFile>();
  readonly #makers: Readonly<Record<string, () => DistributedFile>> = {
    "/trust/bundle.pem": () => this.#certificates(),
    "/trust/bundle-with-crls.pem": () => this.#certificatesAndLists(),
  };

  constructor(issuers: Issuers, lists: Lists, clock: Clock) {
    this.#issuers = issuers;
    this.#lists = lists;
    this.#clock = clock;
    for (const list of lists.all()) this.#addList(list);
    this.#addIssuers(issuers.all());
    issuers.onChange((changed) => this.#addIssuers(changed));
    lists.onChange((list) => this.#addList(list));
  }

  find(path: string): DistributedFile | undefined {
    const file = this.#byPath.get(path) ?? this.#bundles.get(path);
    if (file !== undefined || !Object.hasOwn(this.#makers, path)) return file;
    const made = this.#makers[path]?.();
    if (made !== undefined) this.#bundles.set(path, made);
    return made;
  }

  #addList({ authorityId, shard, delta, crlDer, thisUpdate, nextUpdate }: StoredList): void {
    const path = `/crl/${authorityId}/${shard}${delta ? "-delta" : ""}.crl`;
    this.#byPath.set(path, file(crlDer, MEDIA_TYPES.list, thisUpdate, nextUpdate));
    this.#bundles.clear();
  }

  #addIssuers(changed: Iterable<Issuer>): void {
    for (const { authorityId, certificateDer, notBefore } of changed) {
      const path = `/aia/${authorityId}.cer`;
      this.#byPath.set(path, file(certificateDer, MEDIA_TYPES.certificate, notBefore, undefined));
    }
    this.#bundles.clear();
  }

  #certificates(): DistributedFile {
    return file(Buffer.from(this.#certificatesPem()), MEDIA_TYPES.certificates, this.#clock.now(), undefined);
  }

  /** What an X509_STORE takes in one file: the certificates, then every full list in force. */
  #certificatesAndLists(): DistributedFile {
    const lists = [...this.#lists.all()].filter(({ delta }) => !delta);
    const text = this.#certificatesPem() + lists.map(({ crlDer }) => pemEncode("X509 CRL", crlDer)).join("");
    const ends = lists.map(({ nextUpdate }) => nextUpdate.getTime());
    const nextUpdate = ends.length === 0 ? undefined : new Date(Math.min(...ends));
    return file(Buffer.from(text), MEDIA_TYPES.pem, this.#clock.now(), nextUpdate);
  }

  /** Roots first. */
  #certificatesPem(): string {
    const active = [...this.#issuers.all()].filter(({ state }) => state === "active");
    const sorted = active.toSorted((a, b) => Number(a.parentId !== undefined) - Number(b.parentId !== undefined));
    return sorted.map(({ certificateDer }) => pemEncode("CERTIFICATE", certificateDer)).join("");
  }
}

function file(
  octets: Uint8Array,
  mediaType: string,
  lastModified: Date,
  nextUpdate: Date | undefined,
): DistributedFile {
  const etag = `"${hash("sha256", octets, "hex").slice(0, 32)}"`;
  const body = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  return { body, mediaType, etag, lastModified, nextUpdate };
}
