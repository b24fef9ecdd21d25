import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ForeignAuthority {
  readonly rootDer: Buffer;
  /** Of its unit. */
  readonly certificateDer: Buffer;
  /** TimeStampResp to a TimeStampReq, both DER. */
  reply(requestDer: Uint8Array): Buffer;
}

/** A time-stamping authority of `openssl ts -reply`, with a root of its own, whose files are in `directory`. */
export function foreignAuthority(directory: string): ForeignAuthority {
  const at = (name: string) => join(directory, name);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { cwd: directory, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  writeFileSync(
    at("tsa.cnf"),
    `[tsa]
default_tsa = unit
[unit]
serial = ${at("serial")}
signer_cert = ${at("unit.pem")}
certs = ${at("root.pem")}
signer_key = ${at("unit.key")}
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.77
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ext]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`,
  );
  writeFileSync(at("serial"), "01\n");
  const ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "root.key",
    "-out",
    "root.pem",
    "-subj",
    "/CN=Foreign Root",
    "-days",
    "30",
    ...ca,
  );
  openssl("req", ...key, "-keyout", "unit.key", "-out", "unit.csr", "-subj", "/CN=Foreign TSU");
  const issue = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "20", "-extfile", "tsa.cnf"];
  openssl("x509", "-req", "-in", "unit.csr", "-out", "unit.pem", ...issue, "-extensions", "ext");
  const derOf = (name: string) => openssl("x509", "-in", name, "-outform", "DER");
  return {
    rootDer: derOf("root.pem"),
    certificateDer: derOf("unit.pem"),
    reply(requestDer) {
      writeFileSync(at("request"), requestDer);
      return openssl("ts", "-reply", "-queryfile", "request", "-config", "tsa.cnf");
    },
  };
}
