import type { FileIdentity } from "../tree/identity.ts";

/** Octets of a file that are to be hashed. */
export interface Range {
  readonly location: string;
  /** As the walk found it. */
  readonly identity: FileIdentity;
  readonly start: number;
  /** Behind the last octet; the file's length for a whole one. */
  readonly end: number;
  /** A file to which the octets are written as they are hashed: made here for a whole file, and there already for a piece of one. */
  readonly copyTo?: string | undefined;
  /** Whether it is one of several of its file. */
  readonly isPiece?: boolean | undefined;
  /** Whether the octets themselves are wanted. */
  readonly keep?: boolean | undefined;
}

export interface ReadRange {
  readonly sha256Hex: string;
  /** Begins as a pickle does, or as an archive that holds one: loading it would run what it says. */
  readonly isPickle: boolean;
  /** Where `keep` asked for them. */
  readonly octets?: Uint8Array | undefined;
}
