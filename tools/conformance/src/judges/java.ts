import { join } from "node:path";
import { command } from "../command.ts";
import { ACCEPTS, type Candidate, passes, refuses } from "../judge.ts";
import type { CertificateSpecimen, OcspSpecimen } from "../specimen.ts";
import { compileJava } from "./java-program.ts";

const SOURCES = ["OcspJudge.java", "CrlJudge.java"].map((file) => join(import.meta.dirname, file));
const QUICK_START = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/** Java's path validation with its revocation checker, by OCSP and by lists. */
export const java: Candidate = {
  name: "java",
  async install(cacheDirectory) {
    const { version, classPath } = await compileJava("java-status", SOURCES, cacheDirectory);
    const ocsp = async ({ object, issuer, subject, asked, hash }: OcspSpecimen) => {
      if (hash !== "sha1") return passes("java finds no answers but by SHA-1");
      if (subject === undefined) return passes("java validates a certificate that is there");
      const files = [object.derFile, issuer.derFile, subject.derFile];
      const { said: status } = await command("java", [...QUICK_START, "-cp", classPath, "OcspJudge", ...files]);
      return status === asked[0]?.status ? ACCEPTS : refuses(status);
    };
    const certificate = async ({ chainFile, rootFile, crls, crlsFile, deltas }: CertificateSpecimen) => {
      if (crls.length === 0) return passes("java is asked about lists, and there are none");
      if (deltas.length > 0) return passes("java knows no delta lists");
      const files = [chainFile, rootFile, crlsFile];
      const { said } = await command("java", [...QUICK_START, "-cp", classPath, "CrlJudge", ...files]);
      return said === "valid" ? ACCEPTS : refuses(said);
    };
    return { name: "java", version, unknownAlgorithms: /brainpool/, opinions: { ocsp, certificate } };
  },
};
