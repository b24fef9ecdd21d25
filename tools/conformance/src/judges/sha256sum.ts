import { command } from "../command.ts";
import { requireDebianPackage } from "../install.ts";
import { ACCEPTS, type Candidate, refuses } from "../judge.ts";
import type { ArtefactSpecimen } from "../specimen.ts";

export const sha256sum: Candidate = {
  name: "sha256sum",
  async install() {
    await requireDebianPackage("coreutils", "sha256sum");
    const { stdout } = await command("sha256sum", ["--version"]);
    const version = /coreutils\) ([\d.]+)/.exec(stdout)?.[1];
    if (version === undefined) throw new Error("this is not the one of GNU coreutils");
    return { name: "sha256sum", version, opinions: { artefact: checkFiles } };
  },
};

/** Looks at the files that the manifest lists, at nothing else, and not at who wrote it. */
async function checkFiles({ content, directory }: ArtefactSpecimen) {
  const script = 'cd "$0" && exec sha256sum --check --strict --quiet "$1"';
  const { ok, said } = await command("sh", ["-c", script, directory, content.derFile]);
  return ok ? ACCEPTS : refuses(said);
}
