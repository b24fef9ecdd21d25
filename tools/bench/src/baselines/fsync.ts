import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@vcc-pki/time";

const PAGE = Buffer.alloc(4_096, 0x5a);

/** Durable appends per second, one after another: what the disk below `directory` gives a commit that shares its fsync with nobody. */
export function measureFsync(directory: string, clock: Clock, measureMs = 1_000): number {
  const file = openSync(join(directory, "fsync.probe"), "w", 0o600);
  try {
    const startedAt = clock.monotonicMs();
    let count = 0;
    while (clock.monotonicMs() - startedAt < measureMs) {
      writeSync(file, PAGE);
      fdatasyncSync(file);
      count++;
    }
    return (count * 1_000) / (clock.monotonicMs() - startedAt);
  } finally {
    closeSync(file);
  }
}
