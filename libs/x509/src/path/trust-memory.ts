import { hash } from "node:crypto";
import type { Certificate } from "../certificate.ts";
import type { Check } from "../cms/check.ts";
import type { TrustCheck } from "./trust.ts";

/** Between these moments, in milliseconds, nothing was wrong with a signer. */
interface KnownGood {
  readonly fromMs: number;
  readonly toMs: number;
  readonly checks: readonly Check[];
}

/** Signers of whom this is remembered. */
const MAX_SIGNERS = 1_024;

/** Remembers who was trusted and when: the same few units sign all tokens, and their chains and lists cost ten times a token. Who was good at
 *  two moments, by the same authorities and lists, was good between them: validity has no gaps, and a revocation does not end. (A hold does,
 *  which the profile of units does not admit.) What is refused is looked at again each time. */
export class TrustMemory {
  readonly #trust: TrustCheck;
  readonly #aheadMs: number;
  readonly #known = new Map<string, KnownGood>();

  /** `trust` must give the same answers for as long as this lives. It is asked about a moment so far ahead as well, so that who is asked about
   *  as time goes by is known for a while. */
  constructor(trust: TrustCheck, { aheadMs = 0 }: { readonly aheadMs?: number } = {}) {
    this.#trust = trust;
    this.#aheadMs = aheadMs;
  }

  readonly check: TrustCheck = (signer: Certificate, others, at) => {
    const name = hash("sha256", signer.der, "latin1");
    const atMs = at.getTime();
    const known = this.#known.get(name);
    if (known !== undefined && known.fromMs <= atMs && atMs <= known.toMs) return known.checks;
    const checks = this.#trust(signer, others, at);
    if (!isTrusted(checks)) return checks;
    const aheadMs = atMs + this.#aheadMs;
    const isKnownAhead = this.#aheadMs > 0 && isTrusted(this.#trust(signer, others, new Date(aheadMs)));
    if (known === undefined && this.#known.size >= MAX_SIGNERS) this.#known.clear();
    const { fromMs = atMs, toMs = atMs } = known ?? {};
    this.#known.set(name, {
      fromMs: Math.min(fromMs, atMs),
      toMs: Math.max(toMs, isKnownAhead ? aheadMs : atMs),
      checks,
    });
    return checks;
  };
}

const isTrusted = (checks: readonly Check[]): boolean => checks.length > 0 && checks.every(({ ok }) => ok);
