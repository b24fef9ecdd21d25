import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { extendedKeyUsage, OID, pemEncode } from "@vcc-pki/x509";

const CONFIG = `
[t]
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.7
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
`;

/** A tsa that is none of ours: OpenSSL with a certificate of a hierarchy of its own. It signs with the clock of this machine. */
export function newForeignTsa() {
  const hierarchy = createTestHierarchy({ clock: systemClock });
  const unit = hierarchy.issue({ extendedKeyUsages: [], extensions: [extendedKeyUsage([OID.timeStamping], true)] });
  return {
    trustPem: hierarchy.trustPem,
    /** TimeStampResp about `data`, or the token alone. */
    stamp(data: string, { hash = "sha256", isBare = false } = {}): Buffer {
      const directory = mkdtempSync(join(tmpdir(), "cli-foreign-tsa-"));
      const openssl = (...words: string[]) =>
        execFileSync("openssl", ["ts", ...words], { cwd: directory, stdio: "pipe" });
      const files = {
        ...{ config: CONFIG, serial: "0123\n", data, "unit.pem": unit.chainPem, "key.pem": unit.keyPem },
        "issuing.pem": pemEncode("CERTIFICATE", hierarchy.issuing.certificate.der),
      };
      try {
        for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
        openssl("-query", "-data", "data", `-${hash}`, "-cert", "-out", "request");
        const signer = ["-signer", "unit.pem", "-inkey", "key.pem", "-chain", "issuing.pem"];
        const bare = isBare ? ["-token_out"] : [];
        openssl(
          ...["-reply", "-config", "config", "-section", "t", "-queryfile", "request"],
          ...signer,
          ...bare,
          "-out",
          "answer",
        );
        return readFileSync(join(directory, "answer"));
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  };
}
