import { hash } from "node:crypto";
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

/** All that relying parties can download, by path, made anew when something of it changes. */
export class Files {
  readonly #issuers: Issuers;
  readonly #lists: Lists;
  readonly #byPath = new Map<string, DistributedFile>();

  constructor(issuers: Issuers, lists: Lists, now: Date) {
    this.#issuers = issuers;
    this.#lists = lists;
    for (const list of lists.all()) this.#addList(list);
    this.#addIssuers([...issuers.all()], now);
  }

  /** Follows what changes from now on. */
  follow(now: () => Date): void {
    this.#issuers.onChange((changed) => this.#addIssuers(changed, now()));
    this.#lists.onChange((list) => {
      this.#addList(list);
      this.#addBundles(now());
    });
  }

  find(path: string): DistributedFile | undefined {
    return this.#byPath.get(path);
  }

  #addList({ authorityId, shard, delta, crlDer, thisUpdate, nextUpdate }: StoredList): void {
    const path = `/crl/${authorityId}/${shard}${delta ? "-delta" : ""}.crl`;
    this.#byPath.set(path, file(crlDer, MEDIA_TYPES.list, thisUpdate, nextUpdate));
  }

  #addIssuers(changed: readonly Issuer[], now: Date): void {
    for (const { authorityId, certificateDer, notBefore } of changed) {
      const path = `/aia/${authorityId}.cer`;
      this.#byPath.set(path, file(certificateDer, MEDIA_TYPES.certificate, notBefore, undefined));
    }
    this.#addBundles(now);
  }

  /** Roots first, then what is below them, then every full list in force: what an X509_STORE takes in one file. */
  #addBundles(now: Date): void {
    const active = [...this.#issuers.all()].filter(({ state }) => state === "active");
    const sorted = active.toSorted((a, b) => Number(a.parentId !== undefined) - Number(b.parentId !== undefined));
    const certificates = sorted.map(({ certificateDer }) => pemEncode("CERTIFICATE", certificateDer)).join("");
    this.#addText("/trust/bundle.pem", certificates, MEDIA_TYPES.certificates, now, undefined);

    const lists = [...this.#lists.all()].filter(({ delta }) => !delta);
    const withLists = certificates + lists.map(({ crlDer }) => pemEncode("X509 CRL", crlDer)).join("");
    const ends = lists.map(({ nextUpdate }) => nextUpdate.getTime());
    const nextUpdate = ends.length === 0 ? undefined : new Date(Math.min(...ends));
    this.#addText("/trust/bundle-with-crls.pem", withLists, MEDIA_TYPES.pem, now, nextUpdate);
  }

  #addText(path: string, text: string, mediaType: string, now: Date, nextUpdate: Date | undefined): void {
    const made = file(Buffer.from(text), mediaType, now, nextUpdate);
    if (this.#byPath.get(path)?.etag !== made.etag) this.#byPath.set(path, made);
  }
}

function file(
  octets: Uint8Array,
  mediaType: string,
  lastModified: Date,
  nextUpdate: Date | undefined,
): DistributedFile {
  const etag = `"${hash("sha256", octets, "hex").slice(0, 32)}"`;
  return { body: Buffer.from(octets), mediaType, etag, lastModified, nextUpdate };
}
