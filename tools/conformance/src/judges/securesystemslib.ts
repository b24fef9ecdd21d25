import { join } from "node:path";
import { startDriver } from "../driver.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { BundleSpecimen } from "../specimen.ts";

const VERSION = "1.6.0";
const DRIVER = join(import.meta.dirname, "securesystemslib_driver.py");

/** The library of in-toto and TUF about the envelope in a bundle, by the signer's key; it sees nothing else. */
export const securesystemslib: Candidate = {
  name: "securesystemslib",
  async install(cacheDirectory) {
    const directory = await cached(cacheDirectory, `securesystemslib-${VERSION}`, (target) =>
      pipInstall(`securesystemslib[crypto]==${VERSION}`, target),
    );
    const driver = startDriver("securesystemslib", join(directory, "bin", "python3"), [DRIVER]);
    const verify = async ({ object, signer }: BundleSpecimen) => {
      const said = await driver.ask(JSON.stringify({ bundle: object.derFile, certificate: signer.derFile }));
      return said === "valid" ? ACCEPTS : refuses(said);
    };
    return {
      ...{ name: "securesystemslib", version: VERSION, unknownAlgorithms: /^rsa/ },
      ...{ opinions: { bundle: verify }, close: driver.close },
    };
  },
};
