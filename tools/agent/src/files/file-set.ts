import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Access } from "./durable.ts";
import { linkedFiles } from "./linked-files.ts";
import { renamedFiles } from "./renamed-files.ts";

/** One file of a set. */
export interface NamedFile extends Access {
  /** Its name in the directory of the set. */
  readonly name: string;
  readonly content: string;
}

/** Files in one directory that belong together and are replaced together. What was installed is on trial until `settle`: until then `restore`
 *  brings back what was settled last, also after a restart. All methods throw FILE_NOT_WRITTEN, and then the old files are in place. */
export interface FileSet {
  /** Puts these files in place of those that are there. */
  install(files: readonly NamedFile[]): void;
  /** Brings back what was there before the trial. False when there was nothing: then what is there stays. */
  restore(): boolean;
  /** Ends the trial: what is in place is right. */
  settle(): void;
  /** Ends a replacement that a crash interrupted. */
  recover(): void;
}

/** The directory below that of the set in which we keep what is not in place. */
export const OWN_DIRECTORY = ".vcc";

/** A set by symbolic links, which changes in one rename; by plain renames where there are no links, or where the reader wants none. */
export function fileSet(directory: string, { links }: { readonly links: boolean }): FileSet {
  return links ? linkedFiles(directory) : renamedFiles(directory);
}

/** Whether `directory` has exactly this content under these names. */
export function isInPlace(directory: string, files: readonly NamedFile[]): boolean {
  try {
    return files.every(({ name, content }) => readFileSync(join(directory, name), "utf8") === content);
  } catch {
    return false; // not there, or not to be read: to be written again, then
  }
}
