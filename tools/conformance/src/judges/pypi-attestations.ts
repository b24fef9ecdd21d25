import { join } from "node:path";
import { startDriver } from "../driver.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { AttestationSpecimen } from "../specimen.ts";

const VERSION = "0.0.31";
const DRIVER = join(import.meta.dirname, "pypi_attestations_driver.py");

/** PyPI's own library about attestation objects, with the signature by cryptography, for it asks sigstore about that. */
export const pypiAttestations: Candidate = {
  name: "pypi-attestations",
  async install(cacheDirectory) {
    const directory = await cached(cacheDirectory, `pypi-attestations-${VERSION}`, (target) =>
      pipInstall(`pypi-attestations==${VERSION}`, target),
    );
    const driver = startDriver("pypi-attestations", join(directory, "bin", "python3"), [DRIVER]);
    const verify = async ({ object, distributionFile: distribution, issuer, root }: AttestationSpecimen) => {
      const files = { object: object.derFile, distribution, issuer: issuer.derFile, root: root.derFile };
      const said = await driver.ask(JSON.stringify(files));
      return said === "valid" ? ACCEPTS : refuses(said);
    };
    return { name: "pypi-attestations", version: VERSION, opinions: { attestation: verify }, close: driver.close };
  },
};
