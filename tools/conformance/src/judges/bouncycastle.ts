import { join } from "node:path";
import { startDriver } from "../driver.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { ArtefactSpecimen, SignatureSpecimen, TimeStampSpecimen } from "../specimen.ts";
import { BOUNCYCASTLE_VERSION, compileWithBouncyCastle } from "./java-program.ts";

const SOURCE = join(import.meta.dirname, "BouncyCastleJudge.java");

/** BouncyCastle's readers of time stamps and of CMS signatures with time stamps in them, and the JDK's path validation. */
export const bouncycastle: Candidate = {
  name: "bouncycastle",
  async install(cacheDirectory) {
    const { classPath } = await compileWithBouncyCastle("java-bouncycastle", SOURCE, cacheDirectory);
    const driver = startDriver("bouncycastle", "java", ["-XX:+UseSerialGC", "-cp", classPath, "BouncyCastleJudge"]);
    const ask = async (...parts: string[]) => {
      const said = await driver.ask(parts.join("\t"));
      return said === "valid" ? ACCEPTS : refuses(said);
    };
    const timeStamp = ({ requestFile, responseFile, root, certificatesFile }: TimeStampSpecimen) =>
      ask("time-stamp", requestFile, responseFile, root.derFile, certificatesFile);
    /** Of an artefact it sees the manifest alone. */
    const signature = ({ object, content, root, timeStampRoot }: SignatureSpecimen | ArtefactSpecimen) =>
      ask("signature", object.derFile, content.derFile, root.derFile, timeStampRoot.derFile);
    return {
      ...{ name: "bouncycastle", version: BOUNCYCASTLE_VERSION },
      opinions: { "time-stamp": timeStamp, signature, artefact: signature },
      close: driver.close,
    };
  },
};
