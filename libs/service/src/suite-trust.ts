import { hash } from "node:crypto";
import type { AuthorityServiceDefinition, CrlServiceDefinition, PublishedCrl } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import {
  type Certificate,
  type CertificateList,
  isSignedBy,
  parseCertificate,
  parseCertificateList,
} from "@vcc-pki/x509";

export interface SuiteTrustOptions {
  readonly authorities: Pick<Remote<typeof AuthorityServiceDefinition>, "listIssuers">;
  readonly crls: Pick<Remote<typeof CrlServiceDefinition>, "list" | "get">;
  /** Extended key usages, dotted: authorities that may issue for none of them are left out. */
  readonly purposes: readonly string[];
  readonly log: Logger;
}

interface KnownList {
  readonly crlNumber: number;
  readonly list: CertificateList;
}

/** The suite's own roots, its authorities that may issue for these purposes, and their lists, as the ca has them. */
export class SuiteTrust {
  readonly #options: SuiteTrustOptions;
  anchors: readonly Certificate[] = [];
  intermediates: readonly Certificate[] = [];
  /** By the ca's ids, for policies that name them. */
  authorities: ReadonlyMap<string, Certificate> = new Map();
  readonly #lists = new Map<string, KnownList>();
  #known = "";
  #generation = 0;

  constructor(options: SuiteTrustOptions) {
    this.#options = options;
  }

  get crls(): CertificateList[] {
    return [...this.#lists.values()].map(({ list }) => list);
  }

  /** Counts the changes of all this. */
  get generation(): number {
    return this.#generation;
  }

  /** Asks the ca. Never rejects: what was known remains. */
  async run(): Promise<void> {
    const { authorities, crls, purposes, log } = this.#options;
    try {
      const { issuers } = await authorities.listIssuers({});
      const known = issuers.map((issuer) => ({ ...issuer, certificate: parseCertificate(issuer.certificateDer) }));
      const useful = known.filter(({ certificate }) => mayIssueFor(certificate, purposes));
      this.#setAuthorities(useful);
      for (const published of (await crls.list({})).crls) {
        const issuer = this.authorities.get(published.authorityId);
        if (issuer !== undefined) await this.#fetch(published, issuer);
      }
    } catch (error) {
      log.warn("trust not refreshed", { error });
    }
  }

  #setAuthorities(
    useful: readonly {
      readonly authorityId: string;
      readonly parentId: string;
      readonly certificate: Certificate;
    }[],
  ): void {
    const names = useful.map(({ certificate }) => hash("sha256", certificate.der)).join(" ");
    if (names === this.#known) return;
    this.#known = names;
    this.#generation++;
    this.authorities = new Map(useful.map(({ authorityId, certificate }) => [authorityId, certificate]));
    this.anchors = useful.filter(({ parentId }) => parentId === "").map(({ certificate }) => certificate);
    this.intermediates = useful.filter(({ parentId }) => parentId !== "").map(({ certificate }) => certificate);
  }

  async #fetch({ authorityId, shard, delta, crlNumber }: PublishedCrl, issuer: Certificate): Promise<void> {
    const name = `${authorityId} ${shard} ${delta}`;
    if (this.#lists.get(name)?.crlNumber === crlNumber) return;
    const { crlDer } = await this.#options.crls.get({ authorityId, shard, delta });
    const list = parseCertificateList(crlDer);
    if (!isSignedBy(list, issuer.spkiDer)) {
      this.#options.log.error("list is not signed by its issuer", { authorityId, shard, delta });
      return;
    }
    this.#lists.set(name, { crlNumber, list });
    this.#generation++;
  }
}

/** Key purposes of a CA bound what it issues (our policy, as most verifiers'). */
const mayIssueFor = ({ extendedKeyUsages }: Certificate, purposes: readonly string[]): boolean =>
  extendedKeyUsages === undefined || purposes.some((purpose) => extendedKeyUsages.includes(purpose));
