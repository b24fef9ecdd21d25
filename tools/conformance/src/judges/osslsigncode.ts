import { command } from "../command.ts";
import { requireDebianPackage } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { ProgramSpecimen } from "../specimen.ts";

export const requireOsslsigncode = (): Promise<void> => requireDebianPackage("osslsigncode", "osslsigncode");

/** Verifies programs for Windows. Its exit code says nothing about the time stamp: without a sound one it goes by today. */
export const osslsigncode: Candidate = {
  name: "osslsigncode",
  async install() {
    await requireOsslsigncode();
    const { said: about } = await command("osslsigncode", ["--version"]);
    const program = async ({ object, publisher, root, crlsFile }: ProgramSpecimen) => {
      const trust = ["-CAfile", publisher.pemFile, "-TSA-CAfile", root.pemFile, "-TSA-CRLfile", crlsFile];
      const { ok, said } = await command("osslsigncode", ["verify", "-in", object.derFile, ...trust]);
      return ok && said.includes("Timestamp Server Signature verification: ok") ? ACCEPTS : refuses(said);
    };
    return {
      ...{ name: "osslsigncode", version: /osslsigncode ([\d.]+)/.exec(about)?.[1] ?? "", opinions: { program } },
    };
  },
};
