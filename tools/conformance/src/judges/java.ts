import { join } from "node:path";
import { command, isInstalled } from "../command.ts";
import { cached } from "../install.ts";
import { ACCEPTS, type Candidate, passes, refuses } from "../judge.ts";
import type { OcspSpecimen } from "../specimen.ts";

const SOURCE = join(import.meta.dirname, "OcspJudge.java");
const QUICK_START = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/** Java's path validation with its revocation checker. */
export const java: Candidate = {
  name: "java",
  async install(cacheDirectory) {
    if (!(await isInstalled("javac"))) throw new Error("no Java compiler (apt-get install default-jdk-headless)");
    const { said } = await command("javac", ["-version"]);
    const version = said.replace("javac ", "");
    const directory = await cached(cacheDirectory, `java-ocsp-${version}`, async (target) => {
      const compiled = await command("javac", ["-d", target, SOURCE], { timeoutMs: 120_000 });
      if (!compiled.ok) throw new Error(`javac: ${compiled.said}`);
    });
    const ocsp = async ({ object, issuer, subject, asked, hash }: OcspSpecimen) => {
      if (hash !== "sha1") return passes("java finds no answers but by SHA-1");
      const files = [object.derFile, issuer.derFile, subject.derFile];
      const { said: status } = await command("java", [...QUICK_START, "-cp", directory, "OcspJudge", ...files]);
      return status === asked[0]?.status ? ACCEPTS : refuses(status);
    };
    return { name: "java", version, opinions: { ocsp } };
  },
};
