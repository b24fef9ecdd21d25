import { join } from "node:path";
import { command } from "../command.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { BundleSpecimen } from "../specimen.ts";

const VERSION = "1.1.1";

/** The command of OpenSSF Model Signing. It needs pyOpenSSL, without saying so. */
export async function installModelSigning(cacheDirectory: string): Promise<string> {
  const directory = await cached(cacheDirectory, `model-signing-${VERSION}`, (target) =>
    pipInstall(`model-signing==${VERSION} pyopenssl`, target),
  );
  return join(directory, "bin", "model_signing");
}

/** `model_signing verify certificate` of a directory by its bundle, under the root. It knows ECDSA alone. */
export const modelSigning: Candidate = {
  name: "model_signing",
  async install(cacheDirectory) {
    const tool = await installModelSigning(cacheDirectory);
    const verify = async ({ object, root, directory }: BundleSpecimen) => {
      const words = ["--signature", object.derFile, "--certificate_chain", root.pemFile, directory];
      const { ok, said } = await command(tool, ["verify", "certificate", ...words], { timeoutMs: 60_000 });
      return ok ? ACCEPTS : refuses(said);
    };
    return {
      name: "model_signing",
      version: VERSION,
      unknownAlgorithms: /^(rsa|ed25519)/,
      opinions: { bundle: verify },
    };
  },
};
