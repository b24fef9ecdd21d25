import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { naming, readBack, replace, syncDirectory, writeNew } from "./durable.ts";
import { type FileSet, type NamedFile, OWN_DIRECTORY } from "./file-set.ts";

/** Says that the files in `next` are complete and on their way into place. */
const SWAPPING = "swapping";
/** Says that what is in place is on trial; `previous` holds what was settled. */
const ON_TRIAL = "on-trial";
const NEXT = "next";
const PREVIOUS = "previous";

/** A set by plain renames, for Windows and for readers that want no links: every file is staged beside its place first, a mark says that all are,
 *  and whoever finds the mark after a crash goes on renaming. In between, a reader may see the old key beside the new certificate. */
export function renamedFiles(directory: string): FileSet {
  const own = join(directory, OWN_DIRECTORY);
  const at = (...names: string[]): string => join(own, ...names);
  const mark = (name: string) => replace(at(name), "", { mode: 0o600 });
  const unmark = (name: string) => {
    rmSync(at(name), { force: true });
    syncDirectory(own);
  };

  /** Renames what is staged, in its order; then the mark goes. */
  function moveIntoPlace(): void {
    for (const name of readdirSync(at(NEXT)).sort(byOrder)) {
      renameSync(at(NEXT, name), join(directory, nameOf(name)));
    }
    syncDirectory(directory);
    unmark(SWAPPING);
  }

  function recover(): void {
    if (existsSync(at(SWAPPING))) naming(directory, moveIntoPlace);
  }

  return {
    recover,
    install(files) {
      naming(directory, () => {
        if (!existsSync(own)) mkdirSync(own, { mode: 0o700 });
        recover();
        if (!existsSync(at(ON_TRIAL))) {
          const there = files.filter(({ name }) => existsSync(join(directory, name)));
          stage(
            at(PREVIOUS),
            there.map(({ name }) => readBack(join(directory, name), name)),
          );
          mark(ON_TRIAL);
        }
        stage(at(NEXT), files);
        mark(SWAPPING);
        moveIntoPlace();
      });
    },
    restore() {
      const kept = existsSync(at(ON_TRIAL)) ? namesIn(at(PREVIOUS)) : [];
      if (kept.length === 0) return false;
      naming(directory, () => {
        stage(
          at(NEXT),
          kept.map((staged) => readBack(at(PREVIOUS, staged), nameOf(staged))),
        );
        mark(SWAPPING);
        moveIntoPlace();
        unmark(ON_TRIAL);
      });
      return true;
    },
    settle: () => naming(directory, () => unmark(ON_TRIAL)),
  };
}

/** Fills a directory of ours anew. Each name carries its place in the order: "00-ca.pem". */
function stage(directory: string, files: readonly NamedFile[]): void {
  if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  for (const name of readdirSync(directory)) unlinkSync(join(directory, name));
  for (const [index, { name, content, ...access }] of files.entries()) {
    writeNew(join(directory, `${String(index).padStart(2, "0")}-${name}`), content, access);
  }
  syncDirectory(directory);
}

const namesIn = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);
const nameOf = (staged: string): string => staged.slice(3);
const byOrder = (left: string, right: string): number => left.localeCompare(right);
