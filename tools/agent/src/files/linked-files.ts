import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { naming, readBack, syncDirectory, writeNew } from "./durable.ts";
import { type FileSet, type NamedFile, OWN_DIRECTORY } from "./file-set.ts";

/** In place now, and settled last. */
const CURRENT = "current";
const SETTLED = "settled";

/** A set whose names are links: `cert.pem -> .vcc/current/cert.pem`, `.vcc/current -> 3f2a…`, a directory that holds one generation of files
 *  and is never written again. One rename of `current` changes all of them (as kubelet's AtomicWriter does it). */
export function linkedFiles(directory: string): FileSet {
  const own = join(directory, OWN_DIRECTORY);
  const at = (name: string): string => join(own, name);

  return {
    install(files) {
      naming(directory, () => {
        if (!existsSync(own)) mkdirSync(own, { mode: 0o755 });
        if (generationOf(at(CURRENT)) === undefined) adopt(directory, own, files);
        const generation = writeGeneration(own, files);
        // Where nothing was before, the links lead nowhere until the last step: they come alive together.
        for (const { name } of files) pointName(directory, name);
        syncDirectory(directory);
        pointTo(own, CURRENT, generation);
      });
    },
    restore() {
      const settled = generationOf(at(SETTLED));
      if (settled === undefined || !existsSync(at(settled))) return false;
      naming(directory, () => pointTo(own, CURRENT, settled));
      return true;
    },
    settle() {
      const current = generationOf(at(CURRENT));
      if (current === undefined) return;
      const previous = generationOf(at(SETTLED));
      naming(directory, () => {
        pointTo(own, SETTLED, current);
        removeOthers(own, [CURRENT, SETTLED, current, ...(previous ? [previous] : [])]);
      });
    },
    recover() {
      const current = generationOf(at(CURRENT));
      const settled = generationOf(at(SETTLED));
      if (current === undefined) return;
      naming(directory, () => removeOthers(own, [CURRENT, SETTLED, current, ...(settled ? [settled] : [])]));
    },
  };
}

/** Files that somebody put there before us become the first generation, so that they can be restored. */
function adopt(directory: string, own: string, files: readonly NamedFile[]): void {
  const there = files.filter(({ name }) => existsSync(join(directory, name)));
  if (there.length === 0) return;
  const generation = newGeneration(own);
  for (const { name } of there) {
    const { content, ...access } = readBack(join(directory, name), name);
    writeNew(join(own, generation, name), content, access);
  }
  syncDirectory(join(own, generation));
  pointTo(own, CURRENT, generation);
  pointTo(own, SETTLED, generation);
}

function writeGeneration(own: string, files: readonly NamedFile[]): string {
  const generation = newGeneration(own);
  const path = join(own, generation);
  try {
    for (const { name, content, ...access } of files) writeNew(join(path, name), content, access);
    syncDirectory(path);
    return generation;
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

function newGeneration(own: string): string {
  const name = randomBytes(8).toString("hex");
  mkdirSync(join(own, name), { mode: 0o755 });
  return name;
}

/** What a link in our own directory names; undefined when there is none. */
function generationOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** Makes `directory/name` a link into the current generation, unless it is one. */
function pointName(directory: string, name: string): void {
  const target = `${OWN_DIRECTORY}/${CURRENT}/${name}`;
  const file = join(directory, name);
  const isOurs = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(file) === target;
  if (!isOurs) replaceLink(file, target);
}

function pointTo(own: string, link: string, generation: string): void {
  replaceLink(join(own, link), generation);
  syncDirectory(own);
}

function replaceLink(file: string, target: string): void {
  const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  symlinkSync(target, draft);
  try {
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function removeOthers(own: string, kept: readonly string[]): void {
  for (const name of readdirSync(own)) {
    if (!kept.includes(name)) rmSync(join(own, name), { recursive: true, force: true });
  }
}
