import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foreignAuthority } from "@vcc-pki/tsa/foreign";
import type { AuthorityCandidate } from "./authority.ts";

/** `openssl ts -reply`. */
export const opensslAuthority: AuthorityCandidate = {
  name: "openssl ts",
  async start() {
    const directory = mkdtempSync(join(tmpdir(), "conformance-openssl-"));
    const { rootDer, certificateDer, reply } = foreignAuthority(directory);
    return {
      ...{ name: "openssl ts", rootDer, certificatesDer: [certificateDer] },
      reply: async (requestDer) => reply(requestDer),
      close: () => rmSync(directory, { recursive: true }),
    };
  },
};
