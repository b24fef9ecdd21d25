import { hash } from "node:crypto";

/** What one replica has answered, to be compared with its log. Holds digests: there are many tokens. */
export class Ledger {
  readonly #tokens = new Map<string, string>();

  get size(): number {
    return this.#tokens.size;
  }

  /** Serial numbers, in the order in which they were answered first. */
  serials(): IterableIterator<string> {
    return this.#tokens.keys();
  }

  /** False: under this serial number other octets were answered before. */
  add(serialHex: string, tokenDer: Uint8Array): boolean {
    const digest = digestOf(tokenDer);
    const known = this.#tokens.get(serialHex) ?? digest;
    this.#tokens.set(serialHex, known);
    return known === digest;
  }

  /** Whether these octets are what was answered under this serial number. */
  has(serialHex: string, tokenDer: Uint8Array): boolean {
    return this.#tokens.get(serialHex) === digestOf(tokenDer);
  }
}

const digestOf = (tokenDer: Uint8Array): string => hash("sha256", tokenDer, "latin1");
