import { join } from "node:path";
import { command } from "../command.ts";
import { cached, goBuild, sourceTag } from "../install.ts";
import { ACCEPTS, type Candidate, passes, refuses } from "../judge.ts";
import type { OcspSpecimen } from "../specimen.ts";

const CRYPTO = { module: "golang.org/x/crypto", version: "v0.59.0" } as const;
const SOURCE = join(import.meta.dirname, "ocsp_judge.go");

/** Go's OCSP library. It looks at signatures and at the one certificate, not at times or at what the responder is for. */
export const go: Candidate = {
  name: "go",
  async install(cacheDirectory) {
    const directory = await cached(cacheDirectory, `go-ocsp-${CRYPTO.version}-${await sourceTag([SOURCE])}`, (target) =>
      goBuild(SOURCE, CRYPTO, target),
    );
    const ocsp = async ({ object, issuer, subject, asked }: OcspSpecimen) => {
      if (subject === undefined) return passes("go reads answers about a certificate that is there");
      const files = [object.derFile, issuer.derFile, subject.derFile];
      const { said } = await command(join(directory, "judge"), files);
      return said === asked[0]?.status ? ACCEPTS : refuses(said);
    };
    return { name: "go", version: CRYPTO.version, opinions: { ocsp } };
  },
};
