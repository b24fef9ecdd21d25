import type { Check } from "@vcc-pki/x509";
import type { Resource } from "../resources.ts";
import type { VerdictName } from "./verdicts.ts";

/** So many names are given in a reason; the others are counted. */
const MAX_NAMED = 10;

const FAULTS = ["resources-renamed", "resources-missing", "resources-extra", "resources-changed"] as const;

/** Compares what is there with what was signed, file by file: all of it has to be there, unchanged, and nothing else. `signed` is canonical; a file
 *  that is there under another name is renamed, neither missing nor extra. */
export function compareResources(signed: readonly Resource[], observed: readonly Resource[]): Check[] {
  const there = new Map(observed.map(({ path, sha256Hex }) => [path, sha256Hex]));
  const faults: Record<(typeof FAULTS)[number], string[]> = {
    "resources-renamed": [],
    "resources-missing": [],
    "resources-extra": [],
    "resources-changed": [],
  };

  const missing: Resource[] = [];
  for (const resource of signed) {
    const sha256Hex = there.get(resource.path);
    there.delete(resource.path);
    if (sha256Hex === undefined) missing.push(resource);
    else if (sha256Hex !== resource.sha256Hex) faults["resources-changed"].push(resource.path);
  }
  const extraByHash = new Map([...there].map(([path, sha256Hex]) => [sha256Hex, path]));
  for (const { path, sha256Hex } of missing) {
    const now = extraByHash.get(sha256Hex);
    if (now === undefined) faults["resources-missing"].push(path);
    else {
      faults["resources-renamed"].push(`${path} is ${now}`);
      extraByHash.delete(sha256Hex);
      there.delete(now);
    }
  }
  faults["resources-extra"].push(...there.keys());
  return FAULTS.map((name) => outcome(name, faults[name]));
}

function outcome(name: VerdictName, faults: readonly string[]): Check {
  if (faults.length === 0) return { name, ok: true };
  const named = faults.slice(0, MAX_NAMED).map((fault) => JSON.stringify(fault));
  const more = faults.length > MAX_NAMED ? ` and ${faults.length - MAX_NAMED} more` : "";
  return { name, ok: false, reason: named.join(", ") + more };
}
