import { join } from "node:path";
import { command } from "../command.ts";
import { type Driver, startDriver } from "../driver.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { BundleSpecimen } from "../specimen.ts";

const VERSION = "1.1.1";
const DRIVER = join(import.meta.dirname, "model_signing_driver.py");

/** OpenSSF Model Signing: its command, and its library, since the command knows whole files only. It needs pyOpenSSL, without saying so. */
export interface ModelSigning {
  readonly tool: string;
  startLibrary(): Driver;
}

export async function installModelSigning(cacheDirectory: string): Promise<ModelSigning> {
  const directory = await cached(cacheDirectory, `model-signing-${VERSION}`, (target) =>
    pipInstall(`model-signing==${VERSION} pyopenssl`, target),
  );
  return {
    tool: join(directory, "bin", "model_signing"),
    startLibrary: () => startDriver("model_signing", join(directory, "bin", "python3"), [DRIVER]),
  };
}

/** `model_signing verify certificate` of a directory by its bundle, under the root; the same by its library for shards. It knows ECDSA alone. */
export const modelSigning: Candidate = {
  name: "model_signing",
  async install(cacheDirectory) {
    const { tool, startLibrary } = await installModelSigning(cacheDirectory);
    const library = startLibrary();
    const verify = async ({ object, root, directory, shardOctets }: BundleSpecimen) => {
      if (shardOctets !== undefined) {
        const said = await library.ask(JSON.stringify({ bundle: object.derFile, chain: root.pemFile, directory }));
        return said === "valid" ? ACCEPTS : refuses(said);
      }
      const words = ["--signature", object.derFile, "--certificate_chain", root.pemFile, directory];
      const { ok, said } = await command(tool, ["verify", "certificate", ...words], { timeoutMs: 60_000 });
      return ok ? ACCEPTS : refuses(said);
    };
    return {
      name: "model_signing",
      version: VERSION,
      unknownAlgorithms: /^(rsa|ed25519)/,
      ...{ opinions: { bundle: verify }, close: library.close },
    };
  },
};
