import { join } from "node:path";
import { startDriver } from "../driver.ts";
import { compileWithBouncyCastle } from "../judges/java-program.ts";
import type { AuthorityCandidate } from "./authority.ts";

const SOURCE = join(import.meta.dirname, "TimeStampAuthority.java");
const NAME = "BouncyCastle";

/** BouncyCastle's TimeStampTokenGenerator. */
export const bouncycastleAuthority: AuthorityCandidate = {
  name: NAME,
  async start(cacheDirectory) {
    const { classPath } = await compileWithBouncyCastle("java-authority", SOURCE, cacheDirectory);
    const { ask, close } = startDriver(NAME, "java", ["-XX:+UseSerialGC", "-cp", classPath, "TimeStampAuthority"]);
    const read = (line: string) => new Uint8Array(Buffer.from(line, "base64"));
    return {
      ...{ name: NAME, close, rootDer: read(await ask("root")), certificatesDer: [read(await ask("unit"))] },
      reply: async (requestDer) => read(await ask(Buffer.from(requestDer).toString("base64"))),
    };
  },
};
