import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import type { Attestation } from "./gateway/gateway.ts";

export interface SecretOptions {
  readonly token?: string;
  readonly tokenFile?: string;
  /** File of a projected Kubernetes service-account token. */
  readonly kubernetes?: string | true;
}

const KUBERNETES_FILE = "/var/run/secrets/tokens/vcc-pki";
const MAX_TOKEN_CHARACTERS = 16 * 1024;

/** What vouches for the agent: --token, --token-file ("-" is standard input), VCC_ENROL_TOKEN, or a Kubernetes token. Undefined when there is
 *  none. Throws CONFIG_INVALID for a file that cannot be read. */
export function readAttestation(
  { token, tokenFile, kubernetes }: SecretOptions,
  env: Readonly<Record<string, string | undefined>>,
): Attestation | undefined {
  if (kubernetes !== undefined) {
    return { kind: "kubernetes", token: readSecret(kubernetes === true ? KUBERNETES_FILE : kubernetes) };
  }
  const secret = token ?? (tokenFile === undefined ? env.VCC_ENROL_TOKEN : readSecret(tokenFile));
  return secret ? { kind: "token", token: secret.trim() } : undefined;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8")
      .slice(0, MAX_TOKEN_CHARACTERS)
      .trim();
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read the token in ${file}`, { cause });
  }
}

/** What `ps` shows of this process from now on: a token on the command line is on show no longer than it takes to start. */
export function hideArguments(): void {
  process.title = "vcc-agent";
}
