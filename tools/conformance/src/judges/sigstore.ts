import { join } from "node:path";
import { command } from "../command.ts";
import { cached, goBuild, sourceTag } from "../install.ts";
import { ACCEPTS, type Candidate, passes, refuses } from "../judge.ts";
import type { TimeStampSpecimen } from "../specimen.ts";

/** Its client and its authority. Later versions want a newer Go than Debian's stable backports have. */
export const SIGSTORE = { module: "github.com/sigstore/timestamp-authority/v2", version: "v2.1.0" } as const;
const SOURCE = join(import.meta.dirname, "sigstore_judge.go");
const HASHES = ["sha256", "sha384", "sha512"];

/** sigstore's client in Go, which reads tokens with digitorus/timestamp. It verifies certificates as of now. */
export const sigstore: Candidate = {
  name: "sigstore",
  async install(cacheDirectory) {
    const { version } = SIGSTORE;
    const directory = await cached(cacheDirectory, `go-time-stamp-${version}-${await sourceTag([SOURCE])}`, (target) =>
      goBuild(SOURCE, { ...SIGSTORE, path: "/pkg/verification" }, target),
    );
    const timeStamp = async ({ question, ...files }: TimeStampSpecimen) => {
      const { messageImprint, nonce, reqPolicy = "" } = question;
      if (!HASHES.includes(messageImprint.hash)) return passes(`sigstore does not know ${messageImprint.hash}`);
      const { responseFile, dataFile, root, certificatesFile } = files;
      const asked = [nonce ? Buffer.from(nonce).toString("hex") : "", reqPolicy];
      const words = [responseFile, dataFile, root.pemFile, certificatesFile, ...asked];
      const { ok, said } = await command(join(directory, "judge"), words);
      return ok && said === "valid" ? ACCEPTS : refuses(said);
    };
    return { name: "sigstore", version, unknownAlgorithms: /^rsa-pss$/, opinions: { "time-stamp": timeStamp } };
  },
};
