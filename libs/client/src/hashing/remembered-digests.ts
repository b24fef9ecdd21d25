import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import type { FoundFile, Tree } from "../tree/walk.ts";
import type { Host } from "./host.ts";
import type { Range, ReadRange } from "./range.ts";

/** A file must have rested for so long. By then the kernel has written back what was written into a mapping of it (vm.dirty_expire_centisecs:
 *  30 s), so that the next store through that mapping changes the file's times. */
const RESTED_MS = 60_000;
/** Permission bits of group and others that let them write; the mask of an access control list shows in the group's. */
const WRITABLE_BY_OTHERS = 0o022;
const OPEN_TO_OTHERS = 0o077n;
const MAX_JOURNAL_OCTETS = 512 * 1024 * 1024;
/** Lines that nobody asked for, before it is written anew. */
const MAX_STALE = 1_000;

const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_EXCL, O_WRONLY } = constants;

export interface RememberOptions {
  /** Made, for this user alone, when it is not there. */
  readonly directory: string;
  readonly host: Host;
  readonly clock: Clock;
}

/** Digests of the files of one artefact, as they were hashed, so that a repeat need not read files that have not changed since, and a
 *  hashing that was broken off goes on where it was.
 *
 *  It says what a file's digest is, never that an artefact is right: signature, trust and recall are looked at each time. It believes a file's
 *  identity (device, inode, length, mtime, ctime), so it holds only files that nobody but this user and root can write. Who could forge an
 *  identity or this journal could as well replace the program that reads it; a key to authenticate it would lie beside it. Lines are
 *  checked against damage, and hold for this user, this machine and this start of it: elsewhere and later all is hashed again. */
export class RememberedDigests {
  readonly #file: string;
  readonly #header: string;
  readonly #journal: number;
  readonly #rested: (file: FoundFile) => boolean;
  readonly #known: Map<string, string>;
  readonly #used = new Set<string>();

  /** Undefined where nothing can be remembered. */
  static open(tree: Tree, options: RememberOptions): RememberedDigests | undefined {
    const { directory, host } = options;
    if (!host.keepsTimes(tree.isDirectory ? tree.root : dirname(tree.root))) return undefined;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (!isPrivate(lstatSync(directory, { bigint: true }), host)) return undefined;
      return new RememberedDigests(tree, options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined || error instanceof PkiError) throw error;
      return undefined; // a read-only home, a full disk, a symbolic link in its place: then everything is hashed
    }
  }

  private constructor(tree: Tree, { directory, host, clock }: RememberOptions) {
    this.#header = `vcc-digests 1 ${host.bootId} ${host.userId}`;
    this.#file = join(directory, `${digest(tree.root).slice(0, 32)}.journal`);
    this.#rested = (file) => hasRested(file, tree, host, clock.now().getTime());
    this.#journal = openSync(this.#file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    const stats = fstatSync(this.#journal, { bigint: true });
    const isOurs = stats.isFile() && isPrivate(stats, host) && stats.size <= MAX_JOURNAL_OCTETS;
    if (!isOurs) closeSync(this.#journal);
    if (!isOurs) throw Object.assign(new Error("the journal is not this user's alone"), { code: "EPERM" });
    this.#known = this.#parse(readFileSync(this.#journal, "utf8"));
  }

  find(file: FoundFile, range: Range): ReadRange | undefined {
    if (!this.#rested(file)) return undefined;
    const key = keyOf(range);
    const value = this.#known.get(key);
    if (value === undefined) return undefined;
    this.#used.add(key);
    return { sha256Hex: value.slice(0, 64), isPickle: value.endsWith("p") };
  }

  /** Not yet on disk when it returns: after a power failure the end may be missing, or damaged, which is seen. */
  remember(file: FoundFile, range: Range, { sha256Hex, isPickle }: ReadRange): void {
    if (!this.#rested(file)) return;
    const key = keyOf(range);
    this.#used.add(key);
    this.#known.set(key, `${sha256Hex} ${isPickle ? "p" : "-"}`);
    try {
      writeSync(this.#journal, this.#line(key));
    } catch {
      // A full disk: it is hashed again next time.
    }
  }

  /** Forgets what no longer is, when that is much. */
  close(): void {
    closeSync(this.#journal);
    if (this.#known.size - this.#used.size <= Math.max(MAX_STALE, this.#used.size)) return;
    const next = `${this.#file}.${process.pid}`;
    try {
      const file = openSync(next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      writeSync(file, [...this.#used].map((key) => this.#line(key)).join(""));
      closeSync(file);
      renameSync(next, this.#file);
    } catch {
      rmSync(next, { force: true });
    }
  }

  /** Key, digest, whether it is a pickle; then a check over these and for whom they hold. */
  #line(key: string): string {
    const entry = `${key} ${this.#known.get(key)}`;
    return `${entry} ${this.#check(entry)}\n`;
  }

  #check(entry: string): string {
    return digest(`${this.#header}\n${entry}`).slice(0, 16);
  }

  #parse(text: string): Map<string, string> {
    const known = new Map<string, string>();
    for (const line of text.split("\n")) {
      const [, entry, key, value, check] = /^((\S+ \d+ \d+) ([0-9a-f]{64} [-p])) ([0-9a-f]{16})$/.exec(line) ?? [];
      if (entry && key && value && check === this.#check(entry)) known.set(key, value);
    }
    return known;
  }
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const keyOf = ({ identity, start, end }: Range): string => `${identity} ${start} ${end}`;

type Owned = { readonly uid: bigint; readonly mode: bigint };

const isPrivate = ({ uid, mode }: Owned, { userId }: Host): boolean =>
  uid === BigInt(userId) && (mode & OPEN_TO_OTHERS) === 0n;

const hasRested = (file: FoundFile, tree: Tree, host: Host, nowMs: number): boolean =>
  (file.userId === 0 || file.userId === host.userId) &&
  (file.mode & WRITABLE_BY_OTHERS) === 0 &&
  file.device === tree.device &&
  file.changedAtMs + RESTED_MS <= nowMs;
