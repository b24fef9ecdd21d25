import { writeFileSync } from "node:fs";
import { ensurePrivateDirectory, type Home } from "./home.ts";

/** Tells SoftHSM where its tokens are (softhsm2.conf(5)). Nobody else reads it: another PKCS#11 module has its own ways. */
export function writeSoftHsmConf({ token }: Home): void {
  ensurePrivateDirectory(token.directory);
  ensurePrivateDirectory(token.objects);
  const lines = [`directories.tokendir = ${token.objects}`, "objectstore.backend = file", "log.level = ERROR"];
  writeFileSync(token.conf, `${lines.join("\n")}\n`, { mode: 0o600 });
}
