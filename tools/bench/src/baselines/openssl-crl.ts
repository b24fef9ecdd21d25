import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@vcc-pki/time";

const CONFIG = (directory: string) => `
[req]
distinguished_name = dn
[dn]
[v3_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = ${join(directory, "index.txt")}
crlnumber = ${join(directory, "crlnumber")}
default_md = sha256
default_crl_days = 1
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
`;

/** Milliseconds that `openssl ca -gencrl` takes for a list of so many entries, read from its text database; the key is a file. */
export function measureOpensslCrl(directory: string, clock: Clock, entries: number): number {
  const path = (name: string) => join(directory, name);
  writeFileSync(path("crl.cnf"), CONFIG(directory));
  writeFileSync(path("crlnumber"), "01\n");
  const lines = Array.from({ length: entries }, () => {
    const serial = `01${randomBytes(18).toString("hex").toUpperCase()}`;
    return `R\t491231235959Z\t251101000000Z,superseded\t${serial}\tunknown\t/CN=bench`;
  });
  writeFileSync(path("index.txt"), `${lines.join("\n")}\n`);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "ignore" });
  // biome-ignore format: one option and its value after another
  openssl(
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", path("crl.cnf"),
    "-extensions", "v3_ca", "-subj", "/CN=CA", "-keyout", path("crl-ca.key"), "-out", path("crl-ca.pem"),
  );

  const startedAt = clock.monotonicMs();
  // biome-ignore format: one option and its value after another
  openssl(
    "ca", "-gencrl", "-config", path("crl.cnf"), "-cert", path("crl-ca.pem"), "-keyfile", path("crl-ca.key"),
    "-out", path("openssl.crl"),
  );
  return clock.monotonicMs() - startedAt;
}
