import { readFileSync } from "node:fs";
import { parseTrustPolicy, type TrustPolicy } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import { parseDocument } from "yaml";

/** Reads a trust policy from a file of YAML (JSON is YAML, too). Throws CONFIG_INVALID, FILE_UNREADABLE. */
export function readTrustPolicy(file: string): TrustPolicy {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("FILE_UNREADABLE", `cannot read ${file}`, { cause, details: { file } });
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw new PkiError("CONFIG_INVALID", `${file} is no YAML: ${fault.message}`);
  return parseTrustPolicy(document.toJS({ maxAliasCount: 0 }));
}
