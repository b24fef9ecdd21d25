import type { RevocationReason } from "@vcc-pki/x509";
import type { FinishOrder, LifeReport } from "../workers.ts";

/** What OCSP can say about a certificate: a revocation by its reason. */
export type Said = "good" | "unknown" | RevocationReason;

export interface WorkerOptions {
  readonly worker: number;
  readonly home: string;
  readonly portOffset: number;
  /** How long after a change was acknowledged it must be seen. */
  readonly graceMs: number;
}

/** What the conductor tells a worker. */
export type Order =
  /** A certificate of another worker that is worth asking about. */
  | { readonly type: "look"; readonly certificateId: string }
  /** Change nothing any more; ask once more about everything. */
  | FinishOrder;

/** What a worker tells the conductor, in the order in which it happens; `atMs` is when. */
export type Report = { readonly atMs: number } & (
  | LifeReport
  | { readonly type: "alive" }
  /** A change of status is about to be asked for, of a certificate whose issuance was acknowledged. */
  | { readonly type: "asked"; readonly certificateId: string; readonly status: Said }
  | { readonly type: "acknowledged"; readonly certificateId: string }
  | { readonly type: "issued"; readonly certificateId: string; readonly askedMs: number }
  | ({ readonly type: "answered" } & Answered)
  /** A change was first seen, so long after it was acknowledged. */
  | { readonly type: "seen"; readonly change: "revocation" | "release"; readonly afterMs: number }
  | ({ readonly type: "list" } & ListFetched)
);

/** One question and what came of it. */
export interface Answered {
  readonly certificateId: string;
  /** "GET sha1 nonce" */
  readonly question: string;
  readonly sentMs: number;
  readonly atMs: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: "said"; readonly said: Said; readonly thisUpdate: string }
  /** No answer, which is not a wrong one. */
  | { readonly kind: "tryLater" | "unavailable" }
  /** An answer that must not be, whatever the status is. */
  | { readonly kind: "fault"; readonly fault: string };

export interface ListFetched {
  readonly url: string;
  readonly sentMs: number;
  readonly atMs: number;
  readonly outcome:
    | { readonly kind: "list"; readonly crlNumber: number; readonly entries: readonly ListedEntry[] }
    | { readonly kind: "unavailable" }
    | { readonly kind: "fault"; readonly fault: string };
}

export interface ListedEntry {
  readonly certificateId: string;
  readonly reason: RevocationReason;
}
