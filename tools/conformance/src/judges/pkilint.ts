import { join } from "node:path";
import { allowedFindings } from "../allowed.ts";
import { command } from "../command.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, refuses, type Verdict } from "../judge.ts";
import type { CertificateSpecimen, CrlSpecimen, PairSpecimen, Specimen } from "../specimen.ts";

const VERSION = "0.13.3";

interface Findings {
  readonly results: readonly {
    readonly node_path: string;
    readonly finding_descriptions: readonly { severity: string; code: string; message: string | null }[];
  }[];
}

export const pkilint: Candidate = {
  name: "pkilint",
  async install(cacheDirectory) {
    const directory = await cached(cacheDirectory, `pkilint-${VERSION}`, (target) =>
      pipInstall(`pkilint==${VERSION}`, target),
    );
    const tool = (name: string) => join(directory, "bin", name);
    return {
      name: "pkilint",
      version: VERSION,
      opinions: {
        certificate: (specimen: CertificateSpecimen) =>
          judge(specimen, tool("lint_pkix_cert"), [], [specimen.object.derFile]),
        crl: (specimen: CrlSpecimen) =>
          judge(specimen, tool("lint_crl"), ["-t", "CRL", "-p", "PKIX"], [specimen.object.derFile]),
        pair: (specimen: PairSpecimen) =>
          judge(
            specimen,
            tool("lint_pkix_signer_signee_cert_chain"),
            [],
            [specimen.issuer.derFile, specimen.object.derFile],
          ),
      },
    };
  },
};

/** The exit code counts findings from WARNING upward; JSON names them. Output that is no JSON is a tool that could not read the file. */
async function judge(specimen: Specimen, tool: string, options: string[], files: string[]): Promise<Verdict> {
  const { stdout, said } = await command(tool, [
    ...["lint", ...options, "-s", "WARNING", "-f", "JSON", "--document-format", "DER"],
    ...files,
  ]);
  if (!stdout.startsWith("{")) return refuses(said);
  const isAllowed = allowedFindings("pkilint", specimen);
  const findings = (JSON.parse(stdout) as Findings).results.flatMap(({ node_path, finding_descriptions }) =>
    finding_descriptions
      .filter(({ code, message }) => !isAllowed(code, message ?? ""))
      .map(({ severity, code, message }) => `${severity} ${code} at ${node_path}${message ? `: ${message}` : ""}`),
  );
  return findings.length === 0 ? ACCEPTS : refuses(findings.join("\n"));
}
