import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { fetchPublic, type PublicRequest } from "./fetch-public.ts";

export interface Answer {
  readonly octets: Uint8Array;
  /** Whether it is one from before, because the place it comes from has no new one. */
  readonly isKept: boolean;
}

/** Signed statements (revocation lists, recall lists) that were fetched, so that a verifier can go on while it is offline. What is kept is
 *  as little trusted as what is fetched: whoever asks verifies its signature, and judges its age by what is signed. */
export class KeptAnswers {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #isOffline: boolean;

  /** Offline, nobody is asked: what is kept is all there is. */
  constructor(directory: string, clock: Clock, { isOffline = false } = {}) {
    this.#directory = directory;
    this.#clock = clock;
    this.#isOffline = isOffline;
  }

  /** The kept answer when it was fetched within `maxAgeMs` and still `isRight`, else a new one; when there is none to be had that is right, the
   *  kept one, however old it is. What is not right is never kept; it is returned when there is nothing else, for the caller to say why.
   *  `isRight` is told what was kept before a new one. Throws PEER_UNAVAILABLE or NOT_FOUND when there is no kept one either. */
  async get(
    request: PublicRequest,
    { maxAgeMs, isRight }: { readonly maxAgeMs: number; isRight(octets: Uint8Array, before?: Uint8Array): boolean },
  ): Promise<Answer> {
    const file = join(this.#directory, createHash("sha256").update(request.url).digest("hex"));
    const { octets: kept, fetchedAtMs = 0 } = readKept(file, request.maxBytes) ?? {};
    const ageMs = this.#clock.now().getTime() - fetchedAtMs;
    if (kept && ageMs >= 0 && ageMs <= maxAgeMs && isRight(kept)) return { octets: kept, isKept: false };
    try {
      if (this.#isOffline) throw new PkiError("PEER_UNAVAILABLE", "nobody is asked, and nothing is kept");
      const octets = await fetchPublic(request);
      if (isRight(octets, kept)) this.#keep(file, octets);
      else if (kept) return { octets: kept, isKept: true };
      return { octets, isKept: false };
    } catch (error) {
      if (kept && error instanceof PkiError) return { octets: kept, isKept: true };
      throw error;
    }
  }

  #keep(file: string, octets: Uint8Array): void {
    const next = `${file}.${process.pid}`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(next, octets, { mode: 0o600 });
      const now = this.#clock.now();
      utimesSync(next, now, now);
      renameSync(next, file);
    } catch {
      rmSync(next, { force: true }); // a full disk: it is fetched again next time
    }
  }
}

function readKept(file: string, maxBytes: number): { octets: Uint8Array; fetchedAtMs: number } | undefined {
  try {
    const { size, mtimeMs } = statSync(file);
    return size <= maxBytes ? { octets: readFileSync(file), fetchedAtMs: mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}
