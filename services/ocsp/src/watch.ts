import { PkiError } from "@vcc-pki/errors";
import type { RevokedPeer, WatchResponse } from "@vcc-pki/proto/ocsp";
import { type Clock, Wakeup } from "@vcc-pki/time";
import { serialToHex } from "@vcc-pki/x509";
import type { Issuer, Issuers } from "./issuers.ts";
import type { RecordedChange } from "./recording.ts";
import type { StoredCertificate } from "./status.ts";
import type { CertificateTable } from "./store/certificates.ts";

export interface WatchersOptions {
  readonly certificates: CertificateTable;
  readonly issuers: Issuers;
  readonly clock: Clock;
}

/** In one message: some 60 KiB. */
const BATCH = 500;
/** A watcher that is behind by so many changes is cut off, and begins again with a snapshot. */
const MAX_BACKLOG = 20_000;

interface Backlog {
  readonly changes: RecordedChange[];
  readonly wakeup: Wakeup;
}

/** Tells the services of the suite what is revoked: all of it first, then each change. */
export class Watchers {
  readonly #options: WatchersOptions;
  readonly #backlogs = new Set<Backlog>();
  #isClosed = false;

  constructor(options: WatchersOptions) {
    this.#options = options;
    options.issuers.onChange((changed) => this.#issuersChanged(changed));
  }

  /** Changes that were stored. */
  recorded(changes: readonly RecordedChange[]): void {
    const news = changes.filter(isNews);
    if (news.length === 0) return;
    for (const { changes: backlog, wakeup } of this.#backlogs) {
      backlog.push(...news);
      wakeup.wake();
    }
  }

  /** Ends all. */
  close(): void {
    this.#isClosed = true;
    for (const { wakeup } of this.#backlogs) wakeup.wake();
  }

  async *watch(signal: AbortSignal): AsyncGenerator<WatchResponse> {
    const backlog: Backlog = { changes: [], wakeup: new Wakeup() };
    // From now on nothing is missed; what the snapshot has as well is told twice.
    this.#backlogs.add(backlog);
    const wake = () => backlog.wakeup.wake();
    signal.addEventListener("abort", wake);
    try {
      yield* this.#snapshot();
      while (!signal.aborted && !this.#isClosed) {
        if (backlog.changes.length > MAX_BACKLOG) throw new PkiError("RATE_LIMITED", "too far behind: begin again");
        const changes = backlog.changes.splice(0, BATCH);
        if (changes.length > 0) yield this.#tell(changes);
        else await backlog.wakeup.sleep(KEPT_WAITING_MS);
      }
    } finally {
      this.#backlogs.delete(backlog);
      signal.removeEventListener("abort", wake);
    }
    if (this.#isClosed) throw new PkiError("PEER_UNAVAILABLE", "the service stops");
  }

  *#snapshot(): Generator<WatchResponse> {
    const { certificates, clock } = this.#options;
    const now = clock.now().getTime();
    for (let last = 0, complete = false; !complete; ) {
      const rows = certificates.listRevokedAfter(last, now, BATCH);
      complete = rows.length < BATCH;
      last = rows.at(-1)?.certificate ?? last;
      yield { snapshot: true, complete, revoked: this.#peers(rows), released: [] };
    }
  }

  #tell(changes: readonly RecordedChange[]): WatchResponse {
    // Only the last word on each counts.
    const latest = [...new Map(changes.map((change) => [change.certificate, change])).values()];
    return {
      ...{ snapshot: false, complete: true },
      revoked: this.#peers(latest.filter(({ revocation }) => revocation !== undefined)),
      released: this.#peers(latest.filter(({ revocation }) => revocation === undefined)),
    };
  }

  /** What was revoked under an authority before we knew its key can be told only now. */
  #issuersChanged(changed: readonly Issuer[]): void {
    if (this.#backlogs.size === 0) return;
    const numbers = new Set(changed.map(({ issuer }) => issuer));
    const { certificates, clock } = this.#options;
    const now = clock.now().getTime();
    for (let rows = certificates.listRevokedAfter(0, now, BATCH); rows.length > 0; ) {
      this.recorded(rows.filter(({ issuer }) => numbers.has(issuer)).map((row) => ({ ...row, before: "new" })));
      rows = certificates.listRevokedAfter(rows.at(-1)?.certificate ?? 0, now, BATCH);
    }
  }

  #peers(certificates: readonly StoredCertificate[]): RevokedPeer[] {
    return certificates.flatMap(({ issuer: number, serial, notAfterMs }) => {
      const issuer = this.#options.issuers.find(number);
      if (issuer === undefined) return [];
      const { authorityId, keyIdHex: issuerKeyId } = issuer;
      return { authorityId, issuerKeyId, serialHex: serialToHex(serial), notAfter: new Date(notAfterMs) };
    });
  }
}

/** A watcher looks whether its call is over at least so often. */
const KEPT_WAITING_MS = 60_000;

/** A certificate that begins or ceases to be revoked. */
const isNews = ({ revocation, before }: RecordedChange): boolean =>
  (before === "new" ? undefined : before.revocation) === undefined
    ? revocation !== undefined
    : revocation === undefined;
