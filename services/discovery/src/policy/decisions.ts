import { type CrossGrant, type Decision, decideAcross, type Matrix, type Reason, wordsOf } from "@vcc-pki/matrix";
import type { Clock } from "@vcc-pki/time";
import type { ServiceKey } from "../service-record.ts";
import type { CrossGrantRecord, CrossGrantTable } from "../store/cross-grants.ts";
import type { InForce, Matrices } from "./matrices.ts";

export type Judgement = Omit<Decision, "reason"> & { readonly reason: Reason | "no-matrix" };

/** Where in the target. Without both: whether there may be any call. */
export interface Place {
  readonly method?: string;
  /** As it came in. */
  readonly path?: string;
}

export interface DecisionsOptions {
  readonly matrices: Matrices;
  readonly grants: CrossGrantTable;
  readonly clock: Clock;
}

/** Whether one service may call another: by the matrix of its organisation, or by what two organisations have granted each other. Default deny. */
export class Decisions {
  readonly #options: DecisionsOptions;
  readonly #grants = new Map<string, readonly CrossGrantRecord[]>();

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /** Never throws for what services or callers send. */
  decide(source: ServiceKey, target: ServiceKey, place: Place): Judgement {
    const there = this.#options.matrices.inForce(target.organisation);
    if (there === undefined) return { ...NO_MATRIX, text: `${target.organisation} has no matrix` };
    if (source.organisation === target.organisation)
      return there.decider.decide({ source: source.service, target: target.service, ...place });
    return this.#decideAcross(source, target, there, place);
  }

  /** Grants are read again. */
  forgetGrants(): void {
    this.#grants.clear();
  }

  #decideAcross(source: ServiceKey, target: ServiceKey, there: InForce, place: Place): Judgement {
    // What nobody but holders of a permission may reach, nobody from elsewhere does; nor by a path that can be read in two ways.
    const stranger = there.decider.decide({ source: "", target: target.service, ...place });
    if (stranger.reason === "permission-needed" || stranger.reason === "path-malformed") return stranger;

    const grants = this.#between(source.organisation, target.organisation);
    const [one] = grants;
    if (one === undefined) return { ...NO_GRANT, text: "no grant between the organisations names these services" };
    const here = this.#options.matrices.inForce(source.organisation);
    const targetWords = wordsOf(target.service, there.matrix.types);
    const isOpen = !isIsolated(there.matrix, targetWords);
    return decideAcross(
      {
        ...{ organisation: source.organisation, isolation: one.sourceIsolation },
        words: wordsOf(source.service, here?.matrix.types ?? {}),
      },
      { organisation: target.organisation, isolation: one.targetIsolation, words: targetWords },
      grants.filter(({ targetService }) => isOpen || !targetService.includes("*")).map(toGrant),
      this.#options.clock.now(),
    );
  }

  #between(source: string, target: string): readonly CrossGrantRecord[] {
    const key = `${source} ${target}`;
    const known = this.#grants.get(key);
    if (known !== undefined) return known;
    const found = this.#options.grants.between(source, target);
    if (this.#grants.size >= MAX_PAIRS) this.#grants.clear();
    this.#grants.set(key, found);
    return found;
  }
}

const MAX_PAIRS = 10_000;
const NO_MATRIX = { allowed: false, reason: "no-matrix" } as const;
const NO_GRANT = { allowed: false, reason: "no-rule" } as const;

/** A wildcard does not reach what is isolated, whoever says it. */
const isIsolated = ({ services }: Matrix, words: readonly string[]): boolean =>
  services.some(({ name, isolation }) => isolation === "high" && words.includes(name));

const toGrant = ({ grantedBySource, grantedByTarget, ...grant }: CrossGrantRecord): CrossGrant => ({
  ...grant,
  isGrantedBySource: grantedBySource !== undefined,
  isGrantedByTarget: grantedByTarget !== undefined,
});
