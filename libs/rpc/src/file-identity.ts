import { type FSWatcher, watch } from "node:fs";
import type { IdentitySource } from "./identity.ts";
import { readIdentity } from "./identity-files.ts";

export interface FileIdentity extends IdentitySource {
  /** Reads the files now. Returns whether they are a new identity; keeps the old one and throws CONFIG_INVALID when they do not
   *  agree with each other. */
  reload(): boolean;
  close(): void;
}

/** The identity in `dir`, followed when it is renewed: a change is taken over once key, chain and roots agree, and until then, as
 *  between the renaming of two files, the old one stays. Throws CONFIG_INVALID when there is none to begin with. */
export function fileIdentity(dir: string): FileIdentity {
  let material = readIdentity(dir);
  const listeners = new Set<() => void>();

  const reload = (): boolean => {
    const next = readIdentity(dir);
    const same = next.keyPem === material.keyPem && next.chainPem === material.chainPem;
    if (same && next.trustPem === material.trustPem) return false;
    material = next;
    for (const listener of listeners) listener();
    return true;
  };
  const watcher = watchSettled(dir, () => {
    try {
      reload();
    } catch {
      // Half-way through a renewal: the next change completes it.
    }
  });
  return {
    current: () => material,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload,
    close: () => watcher.close(),
  };
}

const SETTLED_MS = 50;

/** Calls `listener` when the directory has changed and has then been quiet for a moment. Does not keep the process alive. */
function watchSettled(dir: string, listener: () => void): Pick<FSWatcher, "close"> {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dir, { persistent: false }, () => {
    clearTimeout(timer);
    timer = setTimeout(listener, SETTLED_MS).unref();
  });
  return {
    close() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
