import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { ensurePrivateDirectory, type Home, repositoryRoot } from "./home.ts";

const PROFILE = "vcc_service_template";
const NAME = "argus.vcc.internal";

export interface FirstCertificateOptions {
  readonly home: Home;
  readonly portOffset: number;
  readonly signal: AbortSignal;
}

/** Issues a first certificate, for Argus, when the organisation has none yet: through the same door and by the same command as
 *  any other. Answers what to show, or undefined when there was nothing to do. Throws when it cannot be issued or verified. */
export async function issueFirstCertificate(options: FirstCertificateOptions): Promise<string | undefined> {
  const { firstCertificate, operator, trust } = options.home;
  // After a production ceremony the administrator's key is elsewhere, and so is the decision what to issue first.
  if (!existsSync(operator.key)) return undefined;
  if (existsSync(firstCertificate.chain) || (await hasCertificates(options))) return undefined;

  ensurePrivateDirectory(firstCertificate.directory);
  const files = ["--key-out", firstCertificate.key, "--out", firstCertificate.chain, "--force"];
  await pki(["cert", "issue", "--profile", PROFILE, "--name", NAME, ...files], options);

  const { chain } = firstCertificate;
  const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", trust.root, "-untrusted", chain, chain];
  const { stdout: verdict } = await execa("openssl", verify, { cancelSignal: options.signal });
  return describe(
    readFileSync(chain, "utf8"),
    readFileSync(trust.root, "utf8"),
    ["openssl", ...verify].join(" "),
    verdict,
  );
}

const Listed = z.object({ certificates: z.array(z.unknown()) });

async function hasCertificates(options: FirstCertificateOptions): Promise<boolean> {
  const { stdout } = await pki(["cert", "list", "--limit", "1"], options);
  return Listed.parse(JSON.parse(stdout)).certificates.length > 0;
}

const pki = (words: readonly string[], { home, portOffset, signal }: FirstCertificateOptions) =>
  execa(process.execPath, [join(repositoryRoot, "tools/cli/src/main.ts"), ...words, "--json"], {
    env: { PKI_HOME: home.directory, PKI_PORT_OFFSET: String(portOffset) },
    cancelSignal: signal,
  });

function describe(chainPem: string, rootPem: string, command: string, verdict: string): string {
  const pems = `${chainPem}${rootPem}`.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const [leaf, ...issuers] = pems.map((pem) => new X509Certificate(pem));
  if (leaf === undefined) throw new Error("the file of the first certificate is empty");
  const key = leaf.publicKey.asymmetricKeyDetails?.namedCurve ?? leaf.publicKey.asymmetricKeyType;
  const commonName = ({ subject }: X509Certificate) => /^CN=(.*)$/m.exec(subject)?.[1] ?? "(empty)";
  return [
    `  subject    ${leaf.subject.replaceAll("\n", ", ") || "(empty: the names are in subjectAltName)"}`,
    `  names      ${leaf.subjectAltName}`,
    `  key        ${key}`,
    `  serial     ${leaf.serialNumber.toLowerCase()}`,
    `  valid      ${leaf.validFromDate.toISOString()} to ${leaf.validToDate.toISOString()}`,
    `  chain      ${issuers.map(commonName).join(" < ")}`,
    `  checked    ${command}`,
    `             ${verdict}`,
  ].join("\n");
}
