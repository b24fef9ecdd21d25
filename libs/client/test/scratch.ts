import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface Scratch {
  readonly directory: string;
  at(path: string): string;
  /** Writes a file and the directories above it; returns where. */
  file(path: string, content: string | Uint8Array): string;
}

/** An empty directory, gone when the run ends. */
export function newScratch(parent = tmpdir()): Scratch {
  const directory = mkdtempSync(join(parent, "client-"));
  const at = (path: string) => join(directory, path);
  return {
    directory,
    at,
    file(path, content) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
      return at(path);
    },
  };
}

export const sha256Hex = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** The same octets every time, and no two chunks alike. */
export function octetsOf(length: number, seed = "octets"): Uint8Array {
  const octets = new Uint8Array(length);
  const words = new Uint32Array(octets.buffer, 0, length >> 2);
  let state = Number.parseInt(sha256Hex(seed).slice(0, 8), 16) | 1;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    words[index] = state;
  }
  return octets;
}
