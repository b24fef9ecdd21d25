import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import type { Owner } from "./durable.ts";

/** Reads "argus:argus" or "1000:1000" by passwd(5) and group(5). Throws CONFIG_INVALID for a name that is not there, and where files have no
 *  owners of this kind. */
export function findOwner(text: string): Owner {
  if (process.platform === "win32") {
    throw new PkiError("CONFIG_INVALID", "`owner` means nothing on Windows: set the rights of the directory");
  }
  const [user = "", group = ""] = text.split(":");
  return { uid: numberOf(user, "/etc/passwd"), gid: numberOf(group, "/etc/group") };
}

function numberOf(name: string, database: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const line = readFileSync(database, "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`));
  const number = line?.split(":")[2];
  if (number === undefined) throw new PkiError("CONFIG_INVALID", `${database} does not know "${name}"`);
  return Number(number);
}
