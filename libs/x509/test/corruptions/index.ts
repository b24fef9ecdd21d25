import { CONTENT } from "./content.ts";
import { MEANING } from "./meaning.ts";
import { SIGNER } from "./signer.ts";

export { DATA, requestDer, sound, unit } from "./cast.ts";

export interface TimeStampCorruption {
  readonly what: string;
  readonly token: Uint8Array;
  /** The first of our checks that fails. */
  readonly check: string;
  /** Why `openssl ts -verify` accepts it; undefined: it refuses it. */
  readonly overlookedByOpenssl: string | undefined;
}

/** Tokens that nobody should believe, each for one reason, as answers to `requestDer` under the root of `unit`. */
export const TIME_STAMP_CORRUPTIONS: readonly TimeStampCorruption[] = [...CONTENT, ...SIGNER, ...MEANING].map(
  ([what, token, check, overlookedByOpenssl]) => ({ what, token, check, overlookedByOpenssl }),
);
