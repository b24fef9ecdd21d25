import type { BulkItem, Token } from "@vcc-pki/proto/tsa";
import { serialToHex } from "@vcc-pki/x509";
import type { Desk, Outcome } from "./respond.ts";
import type { StoredToken } from "./store/tokens.ts";
import type { UnitKeyTable } from "./store/unit-keys.ts";

export type OutcomeMessage = Exclude<NonNullable<BulkItem["outcome"]>, { $case: "proof" }>;

/** Tokens and refusals as the suite is told of them. */
export class Messages {
  readonly #desk: Pick<Desk, "tokenDer">;
  readonly #unitKeys: UnitKeyTable;
  /** Name and nature of the unit of each key. */
  readonly #units = new Map<number, { readonly unit: string; readonly test: boolean }>();

  constructor(desk: Pick<Desk, "tokenDer">, unitKeys: UnitKeyTable) {
    this.#desk = desk;
    this.#unitKeys = unitKeys;
  }

  outcome(outcome: Outcome): OutcomeMessage {
    if ("token" in outcome) return { $case: "token", value: this.token(outcome.token, outcome.tokenDer) };
    const { failInfo, message: text } = outcome.refusal;
    return { $case: "refusal", value: { failInfo, text } };
  }

  token(stored: StoredToken, tokenDer: Uint8Array = this.#desk.tokenDer(stored)): Token {
    const { serial, hash: hashAlgorithm, digest, policy, genTime, evidenceId, unitKey } = stored;
    return {
      ...{ tokenDer, serialHex: serialToHex(serial), messageImprint: { hashAlgorithm, digest } },
      ...{ policyOid: policy, genTime, evidenceId, ...this.#unitOf(unitKey) },
    };
  }

  #unitOf(unitKey: number): { readonly unit: string; readonly test: boolean } {
    let known = this.#units.get(unitKey);
    if (known === undefined) {
      const stored = this.#unitKeys.all().find((each) => each.unitKey === unitKey);
      if (stored === undefined) throw new Error(`no key ${unitKey}`);
      known = { unit: stored.unit, test: stored.isTest };
      this.#units.set(unitKey, known);
    }
    return known;
  }
}
