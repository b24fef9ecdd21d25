import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Clock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { type HashProgress, type Host, hashTree, RememberedDigests, thisHost, walkTree } from "../src/index.ts";
import { newScratch, octetsOf, sha256Hex } from "./scratch.ts";

const CONTENT = "what was verified";
const OTHER = "what is put there";
const MINUTE_MS = 60_000;

/** Only root can give a file away. */
const givenAway = /^another user owns/;
const tellable = <T extends readonly [string, unknown]>(rows: readonly T[]): readonly T[] =>
  rows.filter(([name]) => process.getuid?.() === 0 || !givenAway.test(name));

const fileSystem = statfsSync(newScratch().directory).type;
/** This host, whatever the tests' own directory is on. */
const host: Host = { ...(thisHost() as Host), keepsTimes: (directory) => statfsSync(directory).type === fileSystem };
const inMs = (ms: number): Clock => ({ now: () => new Date(Date.now() + ms), monotonicMs: () => performance.now() });
const later = inMs(2 * MINUTE_MS);

const HASH_PROCESS = join(import.meta.dirname, "hash-process.ts");

interface Setting {
  readonly host?: Host;
  readonly clock?: Clock;
}

/** A directory of one file, and a place to remember in. */
function newArtefact() {
  const scratch = newScratch();
  const location = scratch.file("artefact/f", CONTENT);
  const directory = scratch.at("cache/digests");
  return {
    ...scratch,
    location,
    directory,
    journal: () => join(directory, readdirSync(directory)[0] as string),
    /** What the hashing says, and how many files it took from memory. */
    async hash({ host: as = host, clock = later }: Setting = {}) {
      const tree = walkTree(scratch.at("artefact"));
      const remembered = RememberedDigests.open(tree, { directory, clock, host: as });
      let found = 0;
      const find = remembered?.find.bind(remembered);
      if (remembered && find) {
        remembered.find = (...about) => {
          const known = find(...about);
          if (known) found++;
          return known;
        };
      }
      const hashed = await hashTree(tree, { clock, remembered });
      remembered?.close();
      return { sha256Hex: hashed[0]?.ranges[0]?.sha256Hex, found, remembers: remembered !== undefined };
    },
  };
}

const RIGHT = { sha256Hex: sha256Hex(CONTENT) };

describe("digests that are remembered", () => {
  it("are used again for a file that has not changed", async () => {
    const artefact = newArtefact();
    expect(await artefact.hash()).toEqual({ ...RIGHT, found: 0, remembers: true });
    expect(await artefact.hash()).toEqual({ ...RIGHT, found: 1, remembers: true });
    expect(statSync(artefact.directory).mode & 0o777).toBe(0o700);
    expect(statSync(artefact.journal()).mode & 0o777).toBe(0o600);
  });

  it("let a hashing that was killed go on where it was", async () => {
    const artefact = newArtefact();
    const shardOctets = 1024 * 1024;
    const content = octetsOf(48 * shardOctets);
    for (let index = 0; index < 4; index++) artefact.file(`artefact/large${index}`, content);
    const killed = spawn(process.execPath, [HASH_PROCESS, artefact.at("artefact"), artefact.directory]);
    const ended = new Promise((resolve) => killed.once("close", (_, signal) => resolve(signal)));
    expect(await ended).toBe("SIGKILL");

    const tree = walkTree(artefact.at("artefact"));
    const remembered = RememberedDigests.open(tree, { directory: artefact.directory, host, clock: later });
    const told: HashProgress[] = [];
    const onProgress = (progress: HashProgress) => told.push(progress);
    const hashed = await hashTree(tree, { clock: later, remembered, shardOctets, onProgress });
    const rememberedOctets = 20 * shardOctets; // what was done is not done again
    const totalOctets = CONTENT.length + 4 * content.length - rememberedOctets;
    expect(told[0]).toMatchObject({ rememberedOctets, totalOctets });
    for (const { path, ranges } of hashed) {
      const whole = path === "f" ? Buffer.from(CONTENT) : content;
      for (const { start, end, sha256Hex: hex } of ranges) expect(hex).toBe(sha256Hex(whole.subarray(start, end)));
    }
  });

  it("are of shards too", async () => {
    const artefact = newArtefact();
    const shards = async () => {
      const tree = walkTree(artefact.at("artefact"));
      const remembered = RememberedDigests.open(tree, { directory: artefact.directory, host, clock: later });
      const hashed = await hashTree(tree, { clock: later, remembered, shardOctets: 10 });
      remembered?.close();
      return hashed[0]?.ranges;
    };
    const first = await shards();
    expect(first).toHaveLength(2);
    expect(await shards()).toEqual(first);
    expect((await artefact.hash()).found).toBe(0); // the whole is something else than its parts
  });

  it("are written anew when most are of files that are no more", async () => {
    const artefact = newArtefact();
    for (let index = 0; index < 1_200; index++) artefact.file(`artefact/old${index}`, `${index}`);
    await artefact.hash();
    const before = statSync(artefact.journal()).size;
    for (let index = 0; index < 1_200; index++) rmSync(artefact.at(`artefact/old${index}`));
    expect((await artefact.hash()).found).toBe(1);
    expect(statSync(artefact.journal()).size).toBeLessThan(before / 100);
    expect((await artefact.hash()).found).toBe(1);
  });
});

type Artefact = ReturnType<typeof newArtefact>;

/** Each changes what is in the file and tries to hide it. */
const CHANGES: readonly (readonly [string, (artefact: Artefact) => void])[] = [
  [
    "written over, with its times put back",
    ({ location }) => {
      const { atime, mtime } = statSync(location);
      writeFileSync(location, OTHER);
      utimesSync(location, atime, mtime);
    },
  ],
  [
    "replaced by another of the same length and times",
    ({ location, file }) => {
      const { atime, mtime } = statSync(location);
      const other = file("other", OTHER);
      utimesSync(other, atime, mtime);
      renameSync(other, location);
    },
  ],
  [
    "removed, and made anew where its inode was",
    ({ location }) => {
      const { atime, mtime } = statSync(location);
      rmSync(location);
      writeFileSync(location, OTHER);
      utimesSync(location, atime, mtime);
    },
  ],
  [
    "written over through a mapping",
    ({ location }) => {
      const script = `import mmap, sys
with open(sys.argv[1], "r+b") as f:
    with mmap.mmap(f.fileno(), 0) as m: m[:] = sys.argv[2].encode()`;
      execFileSync("python3", ["-c", script, location, OTHER]);
    },
  ],
];

describe("a file that was changed behind our back", () => {
  it.each(CHANGES)("is hashed again: %s", async (_, change) => {
    expect(OTHER.length).toBe(CONTENT.length);
    const artefact = newArtefact();
    await artefact.hash();
    expect((await artefact.hash()).found).toBe(1);
    change(artefact);
    const changed = inMs(4 * MINUTE_MS); // so that it has rested again
    expect(await artefact.hash({ clock: changed })).toMatchObject({ sha256Hex: sha256Hex(OTHER), found: 0 });
  });
});

/** Each makes a file one that others could change unseen. */
const UNSAFE: readonly (readonly [string, (artefact: Artefact) => Setting | undefined])[] = [
  ["its group can write", ({ location }) => void chmodSync(location, 0o664)],
  ["everybody can write", ({ location }) => void chmodSync(location, 0o646)],
  ["another user owns", ({ location }) => void chownSync(location, 65_534, 65_534)],
  ["has changed within the minute", () => ({ clock: inMs(MINUTE_MS / 2) })],
  ["changed in the future", () => ({ clock: inMs(-MINUTE_MS) })],
  ["lies where times are not kept", () => ({ host: { ...host, keepsTimes: () => false } })],
];

describe("a file that others could change unseen", () => {
  it.each(tellable(UNSAFE))("is never remembered: %s", async (_, make) => {
    const artefact = newArtefact();
    const setting = make(artefact) ?? {};
    for (let time = 0; time < 3; time++) expect(await artefact.hash(setting)).toMatchObject({ ...RIGHT, found: 0 });
  });

  it("is one on tmpfs", async () => {
    const { directory } = newScratch("/dev/shm");
    try {
      writeFileSync(join(directory, "f"), CONTENT);
      const options = { directory: newScratch().directory, host: thisHost() as Host, clock: later };
      expect(RememberedDigests.open(walkTree(directory), options)).toBeUndefined();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("is forgotten when it becomes one", async () => {
    const artefact = newArtefact();
    await artefact.hash();
    chmodSync(artefact.location, 0o666);
    expect(await artefact.hash({ clock: inMs(4 * MINUTE_MS) })).toMatchObject({ ...RIGHT, found: 0 });
  });
});

const inJournal = (artefact: Artefact, edit: (text: string) => string) =>
  writeFileSync(artefact.journal(), edit(readFileSync(artefact.journal(), "utf8")));
const WRONG = sha256Hex(OTHER);

/** Each tries to have a digest believed that was never made here. */
const FORGERIES: readonly (readonly [string, (artefact: Artefact) => Setting | undefined])[] = [
  [
    "a digest is exchanged",
    (artefact) => inJournal(artefact, (text) => text.replace(sha256Hex(CONTENT), WRONG)) as undefined,
  ],
  ["an octet is damaged", (artefact) => inJournal(artefact, (text) => text.replace(/.(?=\n)/, "g")) as undefined],
  ["the end is missing", (artefact) => inJournal(artefact, (text) => text.slice(0, -4)) as undefined],
  ["it is of another start of the machine", () => ({ host: { ...host, bootId: "another" } })],
  ["others can read it", (artefact) => void chmodSync(artefact.journal(), 0o644)],
  ["others can write it", (artefact) => void chmodSync(artefact.journal(), 0o602)],
  ["another user owns it", (artefact) => void chownSync(artefact.journal(), 65_534, 65_534)],
  [
    "it is a symbolic link",
    (artefact) => {
      const journal = artefact.journal();
      renameSync(journal, artefact.at("elsewhere"));
      symlinkSync(artefact.at("elsewhere"), journal);
    },
  ],
  ["others can write its directory", ({ directory }) => void chmodSync(directory, 0o722)],
  ["another user owns its directory", ({ directory }) => void chownSync(directory, 65_534, 65_534)],
  [
    "its directory is a symbolic link",
    ({ directory, at }) => {
      renameSync(directory, at("moved"));
      symlinkSync(at("moved"), directory);
    },
  ],
  [
    "it is brought from another host",
    (artefact) => {
      const other = newArtefact();
      const journal = artefact.journal();
      mkdirSync(other.directory, { recursive: true });
      copyFileSync(journal, join(other.directory, "brought"));
      inJournal(artefact, () => readFileSync(join(other.directory, "brought"), "utf8"));
      return { host: { ...host, bootId: "that of the other host" } };
    },
  ],
  ["it is another user's", () => ({ host: { ...host, userId: 65_534 } })],
];

describe("a journal that is not what this user wrote on this host", () => {
  it.each(tellable(FORGERIES))("is not believed: %s", async (_, forge) => {
    const artefact = newArtefact();
    await artefact.hash();
    expect((await artefact.hash()).found).toBe(1);
    const setting = forge(artefact) ?? {};
    expect(await artefact.hash(setting)).toMatchObject({ ...RIGHT, found: 0 });
  });

  it("is read as far as it is right when lines of rubbish are among its own", async () => {
    const artefact = newArtefact();
    await artefact.hash();
    appendFileSync(artefact.journal(), "rubbish\n\0\0\0\n");
    expect(await artefact.hash()).toMatchObject({ ...RIGHT, found: 1 });
  });
});
