import type { HashedFile } from "../hashing/hash-tree.ts";
import { readAgain } from "../hashing/read-range.ts";
import type { ReadAt } from "./safetensors.ts";

/** The octets of a file that were hashed, to be looked into. */
export interface HashedOctets {
  readonly path: string;
  readonly size: number;
  /** Throws FILE_CHANGED when they are no longer there. */
  readonly readAt: ReadAt;
}

/** From memory where they were kept, else from the file as long as it is the same. */
export function hashedOctets({ path, size, location, identity, octets }: HashedFile): HashedOctets {
  const readAt: ReadAt = (start, end) => octets?.subarray(start, end) ?? readAgain({ location, identity, start, end });
  return { path, size, readAt };
}
