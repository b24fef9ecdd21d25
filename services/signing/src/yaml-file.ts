import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { parse } from "yaml";
import { z } from "zod";

/** Reads a file of YAML. Throws CONFIG_INVALID, naming the file. */
export function readYaml<T extends z.ZodType>(file: string, schema: T): z.output<T> {
  try {
    return schema.parse(parse(readFileSync(file, "utf8"), { maxAliasCount: 0 }));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new PkiError("CONFIG_INVALID", `${file}: ${reason}`, { cause });
  }
}
