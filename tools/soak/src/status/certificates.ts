import { randomInt } from "node:crypto";
import type { Own, Profile } from "./changing.ts";
import type { Said } from "./messages.ts";

const MAX_RECENT = 64;

interface State extends Own {
  status: Said;
  version: number;
}

/** The certificates that a worker knows: its own, which it alone changes, and those of others, which it asks about. */
export class Certificates {
  readonly #own = new Map<string, State>();
  readonly #known: string[] = [];
  readonly #seen = new Set<string>();
  #recent: string[] = [];

  add({ certificateId, profile }: Own): void {
    this.#own.set(certificateId, { certificateId, profile, status: "good", version: 0 });
    this.look(certificateId);
  }

  /** Worth asking about. */
  look(certificateId: string): void {
    if (!this.#seen.has(certificateId)) this.#known.push(certificateId);
    this.#seen.add(certificateId);
    this.#recent = [...this.#recent.slice(1 - MAX_RECENT), certificateId];
  }

  /** What is about to be asked for; returns the number of this change. */
  set(certificateId: string, status: Said): number {
    const own = this.#own.get(certificateId);
    if (own === undefined) throw new Error("the certificate of another worker");
    own.status = status;
    this.look(certificateId);
    return ++own.version;
  }

  version(certificateId: string): number {
    return this.#own.get(certificateId)?.version ?? -1;
  }

  held(): Own | undefined {
    return this.#pick(({ status }) => status === "certificateHold");
  }

  good(profile?: Profile): Own | undefined {
    return this.#pick((own) => own.status === "good" && (profile === undefined || own.profile === profile));
  }

  any(): string {
    const from = randomInt(4) === 0 || this.#recent.length === 0 ? this.#known : this.#recent;
    return from[randomInt(from.length)] as string;
  }

  all(): IterableIterator<string> {
    return this.#own.keys();
  }

  #pick(isSuitable: (own: State) => boolean): Own | undefined {
    const suitable = [...this.#own.values()].filter(isSuitable);
    return suitable.length === 0 ? undefined : suitable[randomInt(suitable.length)];
  }
}
