import type { Specimen } from "./specimen.ts";

/** What a judge thinks of a specimen. `passes` is for what it says it cannot judge: never for what it judged and disliked. */
export type Verdict =
  | { readonly verdict: "accepts" }
  | { readonly verdict: "refuses"; readonly said: string }
  | { readonly verdict: "passes"; readonly reason: string };

export const ACCEPTS: Verdict = { verdict: "accepts" };
export const refuses = (said: string): Verdict => ({ verdict: "refuses", said: said.trim() });
export const passes = (reason: string): Verdict => ({ verdict: "passes", reason });

type Kind = Specimen["kind"];
type Opinions = { readonly [K in Kind]?: (specimen: Extract<Specimen, { kind: K }>) => Promise<Verdict> };

/** A tool that is installed and ready. It has opinions on some kinds of specimen and none on others. */
export interface Judge {
  readonly name: string;
  readonly version: string;
  /** Key algorithms the tool does not know at all; specimens with one of them are passed over by name. */
  readonly unknownAlgorithms?: RegExp;
  readonly opinions: Opinions;
  /** Ends what runs for it. */
  close?(): void;
}

/** How one comes by a judge. `install` finds it, fetches it, or rejects with the reason it cannot be had here. */
export interface Candidate {
  readonly name: string;
  install(cacheDirectory: string): Promise<Judge>;
}

/** Asks `judge`; undefined when this kind of specimen is none of its business. */
export async function ask(judge: Judge, specimen: Specimen): Promise<Verdict | undefined> {
  const opinion = judge.opinions[specimen.kind] as ((specimen: Specimen) => Promise<Verdict>) | undefined;
  if (opinion === undefined) return undefined;
  const unknown = specimen.algorithms.find((algorithm) => judge.unknownAlgorithms?.test(algorithm));
  return unknown === undefined ? opinion(specimen) : passes(`${judge.name} does not know ${unknown}`);
}
