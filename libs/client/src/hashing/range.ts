import type { FileIdentity } from "../tree/identity.ts";

/** Octets of a file that are to be hashed. */
export interface Range {
  readonly location: string;
  /** As the walk found it. */
  readonly identity: FileIdentity;
  readonly start: number;
  /** Behind the last octet; the file's length for a whole one. */
  readonly end: number;
  /** A file to be made: the octets are written there as they are hashed. Only for a whole file. */
  readonly copyTo?: string | undefined;
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
