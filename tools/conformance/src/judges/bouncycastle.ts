import { join } from "node:path";
import { startDriver } from "../driver.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { TimeStampSpecimen } from "../specimen.ts";
import { BOUNCYCASTLE_VERSION, compileWithBouncyCastle } from "./java-program.ts";

const SOURCE = join(import.meta.dirname, "TimeStampJudge.java");

/** BouncyCastle's reader of time stamps, and the JDK's path validation. */
export const bouncycastle: Candidate = {
  name: "bouncycastle",
  async install(cacheDirectory) {
    const { classPath } = await compileWithBouncyCastle("java-time-stamp", SOURCE, cacheDirectory);
    const driver = startDriver("bouncycastle", "java", ["-XX:+UseSerialGC", "-cp", classPath, "TimeStampJudge"]);
    const timeStamp = async ({ requestFile, responseFile, root, certificatesFile }: TimeStampSpecimen) => {
      const said = await driver.ask([requestFile, responseFile, root.derFile, certificatesFile].join("\t"));
      return said === "valid" ? ACCEPTS : refuses(said);
    };
    return {
      ...{ name: "bouncycastle", version: BOUNCYCASTLE_VERSION, opinions: { "time-stamp": timeStamp } },
      close: driver.close,
    };
  },
};
