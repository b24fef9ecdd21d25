import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "@vcc-pki/client";
import { cached, pipInstall } from "@vcc-pki/conformance/install";
import type { Clock } from "@vcc-pki/time";

const VERSION = "1.1.1";

const CONFIG = `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[leaf]
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning
`;

/** OpenSSF's `model_signing` command, with a certificate of an authority of its own. */
export interface ModelSigning {
  sign(directory: string): void;
  /** Milliseconds of `model_signing verify certificate`, the start of its process included. */
  verifyMs(directory: string): number;
}

/** Installs it where the judges of ./pki conformance are kept; throws when it cannot be had. */
export async function modelSigning(workDirectory: string, clock: Clock): Promise<ModelSigning> {
  const installed = await cached(
    join(cacheDirectory(process.env), "conformance"),
    `model-signing-${VERSION}`,
    (directory) => pipInstall(`model-signing==${VERSION} pyopenssl`, directory),
  );
  const { keyFile, certificateFile, rootFile } = makeSigner(workDirectory);
  const run = (...words: string[]) =>
    void execFileSync(join(installed, "bin/model_signing"), words, { stdio: ["ignore", "ignore", "pipe"] });
  const signatureOf = (directory: string) => ["--signature", `${directory}.sig`];
  const chain = ["--certificate_chain", rootFile];
  return {
    sign(directory) {
      const signer = ["--private_key", keyFile, "--signing_certificate", certificateFile, ...chain];
      run("sign", "certificate", directory, ...signatureOf(directory), ...signer);
    },
    verifyMs(directory) {
      const startedAt = clock.monotonicMs();
      run("verify", "certificate", directory, ...signatureOf(directory), ...chain);
      return clock.monotonicMs() - startedAt;
    },
  };
}

function makeSigner(directory: string) {
  const path = (name: string) => join(directory, name);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", path("ms.cnf")];
  writeFileSync(path("ms.cnf"), CONFIG);
  // biome-ignore format: one option and its value after another
  openssl(
    "req", "-x509", ...newKey, "-extensions", "ca", "-subj", "/CN=CA", "-keyout", path("ms-ca.key"), "-out", path("ms-ca.pem"),
  );
  openssl("req", "-new", ...newKey, "-subj", "/CN=signer", "-keyout", path("ms.key"), "-out", path("ms.csr"));
  // biome-ignore format: one option and its value after another
  openssl(
    "x509", "-req", "-in", path("ms.csr"), "-CA", path("ms-ca.pem"), "-CAkey", path("ms-ca.key"), "-days", "1",
    "-extfile", path("ms.cnf"), "-extensions", "leaf", "-out", path("ms.pem"),
  );
  return { keyFile: path("ms.key"), certificateFile: path("ms.pem"), rootFile: path("ms-ca.pem") };
}
