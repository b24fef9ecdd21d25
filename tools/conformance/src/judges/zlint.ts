import { join } from "node:path";
import { allowedFindings } from "../allowed.ts";
import { command } from "../command.ts";
import { cached, goInstall } from "../install.ts";
import { ACCEPTS, type Candidate, passes, refuses, type Verdict } from "../judge.ts";
import type { Specimen } from "../specimen.ts";

const VERSION = "v3.7.1";

/** Rules of the public web and of root stores: not ours. Left in: the RFCs (RFC6960 among them, which `-includeSources` does
 *  not know although the lint exists) and Community. */
const FOREIGN_SOURCES = ["Apple", "CABF_BR", "CABF_EV", "CABF_SMIME_BR", "Chrome", "ETSI_ESI", "Mozilla", "RFC6962"];
const CODE_SIGNING_RULES = "CABF_CS_BR";

export const zlint: Candidate = {
  name: "zlint",
  async install(cacheDirectory) {
    const zlintCommand = { module: "github.com/zmap/zlint/v3", path: "/cmd/zlint", version: VERSION };
    const directory = await cached(cacheDirectory, `zlint-${VERSION}`, (target) => goInstall(zlintCommand, target));
    const lint = (specimen: Specimen) => judge(join(directory, "zlint"), specimen);
    return {
      name: "zlint",
      version: VERSION,
      unknownAlgorithms: /brainpool/,
      opinions: { certificate: lint, crl: lint },
    };
  },
};

/** The exit code says nothing: what counts is every lint that neither passed nor did not apply. */
async function judge(binary: string, specimen: Specimen): Promise<Verdict> {
  const isCodeSigning = specimen.kind === "certificate" && /code_signing|model/.test(specimen.profile ?? "");
  const excluded = isCodeSigning ? FOREIGN_SOURCES : [...FOREIGN_SOURCES, CODE_SIGNING_RULES];
  const { ok, stdout, said } = await command(binary, [
    `-excludeSources=${excluded.join(",")}`,
    specimen.object.derFile,
  ]);
  if (!ok) return refuses(said);

  const results = Object.entries(JSON.parse(stdout) as Record<string, { result: string; details?: string }>);
  if (results.length === 0) return passes("no lint applies");
  const isAllowed = allowedFindings("zlint", specimen);
  const findings = results.filter(
    ([name, { result, details = "" }]) => !["pass", "NA", "NE"].includes(result) && !isAllowed(name, details),
  );
  return findings.length === 0
    ? ACCEPTS
    : refuses(
        findings.map(([name, { result, details }]) => `${result} ${name}${details ? `: ${details}` : ""}`).join("\n"),
      );
}
