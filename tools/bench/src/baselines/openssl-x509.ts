import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "@vcc-pki/time";

const run = promisify(execFile);

const CONFIG = `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:bench.vcc.internal
`;

/** Certificates per second of `openssl x509 -req`, one process each, as many at a time as there are `workers`: the way scripts issue.
 *  The authority's key is a file, and nothing but the certificate is kept. */
export async function measureOpensslX509(
  directory: string,
  clock: Clock,
  { workers, measureMs = 3_000 }: { workers: number; measureMs?: number },
): Promise<number> {
  const path = (name: string) => join(directory, name);
  writeFileSync(path("openssl.cnf"), CONFIG);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", path("openssl.cnf")];
  const options = { stdio: "ignore" } as const;
  execFileSync(
    "openssl",
    ["req", "-x509", ...key, "-extensions", "ca", "-subj", "/CN=CA", "-keyout", path("ca.key"), "-out", path("ca.pem")],
    options,
  );
  execFileSync(
    "openssl",
    ["req", "-new", ...key, "-subj", "/CN=bench", "-keyout", path("leaf.key"), "-out", path("leaf.csr")],
    options,
  );

  const startedAt = clock.monotonicMs();
  let count = 0;
  const work = async (worker: number) => {
    const out = path(`leaf-${worker}.pem`);
    while (clock.monotonicMs() - startedAt < measureMs) {
      // biome-ignore format: one option and its value after another
      await run("openssl", [
        "x509", "-req", "-in", path("leaf.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-days", "90",
        "-sha256", "-extfile", path("openssl.cnf"), "-extensions", "leaf", "-out", out,
      ]);
      count++;
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return (count * 1_000) / (clock.monotonicMs() - startedAt);
}
