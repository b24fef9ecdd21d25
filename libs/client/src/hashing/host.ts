import { readFileSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** For whom digests are remembered: this user, on this machine, until it is started again. */
export interface Host {
  /** Random, new with each start of the machine; containers have their machine's. */
  readonly bootId: string;
  readonly userId: number;
  /** Whether the times of files there are kept by this machine's kernel, on every change. */
  keepsTimes(directory: string): boolean;
}

/** From linux/magic.h: ext2/3/4, XFS, Btrfs, F2FS, ZFS, overlayfs, EROFS, SquashFS. Not what another machine or process answers for (NFS, SMB,
 *  9p, FUSE), and not tmpfs, whose pages stay writable through an old mapping without a change of times, for they are never written back. */
const FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x794c7630, 0xe0f5e1e2, 0x73717368,
]);

/** Undefined where there is no Linux to ask. */
export function thisHost(): Host | undefined {
  const userId = process.getuid?.();
  if (userId === undefined || process.platform !== "linux") return undefined;
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return { bootId, userId, keepsTimes: (directory) => FILE_SYSTEMS.has(statfsSync(directory).type) };
}

/** This user's, as the XDG base directory specification has it. */
export const cacheDirectory = (env: Readonly<Record<string, string | undefined>>): string =>
  join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "vcc-pki");
