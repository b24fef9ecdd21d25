import { PkiError } from "@vcc-pki/errors";
import type { CrlServiceDefinition, PublishedCrl } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { isSignedByInBackground, parseCertificateList } from "@vcc-pki/x509";
import type { Issuers } from "./issuers.ts";
import type { ListName, ListTable, StoredList } from "./store/lists.ts";

export interface ListsOptions {
  readonly store: Store;
  readonly table: ListTable;
  readonly issuers: Issuers;
  readonly crls: Pick<Remote<typeof CrlServiceDefinition>, "list" | "get">;
  readonly clock: Clock;
  readonly log: Logger;
}

const keyOf = ({ authorityId, shard, delta }: ListName): string => `${authorityId} ${shard} ${delta}`;

/** The certificate revocation lists as the ca has signed them: fetched when there is a newer one, verified, stored. */
export class Lists {
  readonly #options: ListsOptions;
  readonly #inForce = new Map<string, StoredList>();
  readonly #listeners = new Set<(list: StoredList) => void>();

  constructor(options: ListsOptions) {
    this.#options = options;
    for (const list of options.table.all()) this.#inForce.set(keyOf(list), list);
  }

  all(): IterableIterator<StoredList> {
    return this.#inForce.values();
  }

  /** Calls `listener` with each list that has come. */
  onChange(listener: (list: StoredList) => void): void {
    this.#listeners.add(listener);
  }

  /** Fetches what is newer than what we have. Never rejects; what failed is fetched the next time. */
  async run(): Promise<void> {
    const { crls, log } = this.#options;
    try {
      const { crls: published } = await crls.list({});
      for (const each of published.filter((one) => this.#isNews(one))) {
        await this.#fetch(each).catch((error) => log.warn("list not fetched", { ...name(each), error }));
      }
    } catch (error) {
      log.warn("lists not fetched", { error });
    }
  }

  /** A lower number comes from a ca whose backup was restored: ours has all that was revoked, and is served until it ends. */
  #isNews({ crlNumber, ...published }: PublishedCrl): boolean {
    const ours = this.#inForce.get(keyOf(published));
    if (ours === undefined || crlNumber > ours.crlNumber) return true;
    return crlNumber < ours.crlNumber && ours.nextUpdate <= this.#options.clock.now();
  }

  async #fetch(published: PublishedCrl): Promise<void> {
    const { store, table, crls, issuers, log } = this.#options;
    const { crlDer, crlNumber, thisUpdate, nextUpdate } = await crls.get(name(published));
    const issuer = issuers.findByAuthority(published.authorityId);
    if (issuer === undefined || thisUpdate === undefined || nextUpdate === undefined)
      throw new PkiError("NOT_FOUND", "a list of nobody, or without times");
    const parsed = parseCertificateList(crlDer);
    if (!(await isSignedByInBackground(parsed, issuer.spkiDer)))
      throw new PkiError("SIGNATURE_INVALID", "the list is not signed by its authority");
    const list: StoredList = { ...name(published), crlNumber, thisUpdate, nextUpdate, crlDer };
    await store.write(() => table.put(list));
    this.#inForce.set(keyOf(list), list);
    for (const listener of this.#listeners) listener(list);
    log.info("list fetched", { ...name(list), crlNumber, nextUpdate });
  }
}

const name = ({ authorityId, shard, delta }: ListName): ListName => ({ authorityId, shard, delta });
