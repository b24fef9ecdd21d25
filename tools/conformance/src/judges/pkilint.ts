import { join } from "node:path";
import { allowedFindings } from "../allowed.ts";
import { startDriver } from "../driver.ts";
import { cached, pipInstall } from "../install.ts";
import { ACCEPTS, type Candidate, refuses, type Verdict } from "../judge.ts";
import type { CertificateSpecimen, CrlSpecimen, OcspSpecimen, PairSpecimen, Specimen } from "../specimen.ts";

const VERSION = "0.13.3";
const DRIVER = join(import.meta.dirname, "pkilint_driver.py");

export const pkilint: Candidate = {
  name: "pkilint",
  async install(cacheDirectory) {
    const directory = await cached(cacheDirectory, `pkilint-${VERSION}`, (target) =>
      pipInstall(`pkilint==${VERSION}`, target),
    );
    const driver = startDriver("pkilint", join(directory, "bin", "python3"), [DRIVER]);
    const lint = async (module: string, options: readonly string[], files: readonly string[]): Promise<Said> => {
      const words = ["lint", ...options, "-s", "WARNING", "-f", "JSON", "--document-format", "DER", ...files];
      return JSON.parse(await driver.ask(JSON.stringify([module, ...words])));
    };
    const certificate = (specimen: CertificateSpecimen) =>
      judge(specimen, lint("lint_pkix_cert", [], [specimen.object.derFile]));
    const crl = (specimen: CrlSpecimen) =>
      judge(specimen, lint("lint_crl", ["-t", "CRL", "-p", "PKIX"], [specimen.object.derFile]));
    const ocsp = (specimen: OcspSpecimen) => judge(specimen, lint("lint_ocsp_response", [], [specimen.object.derFile]));
    const pair = (specimen: PairSpecimen) =>
      judge(specimen, lint(PAIR_TOOL, [], [specimen.issuer.derFile, specimen.object.derFile]));
    return { name: "pkilint", version: VERSION, opinions: { certificate, crl, ocsp, pair }, close: driver.close };
  },
};

const PAIR_TOOL = "lint_pkix_signer_signee_cert_chain";

type Said = readonly [stdout: string, stderr: string];

interface Findings {
  readonly results: readonly {
    readonly node_path: string;
    readonly finding_descriptions: readonly { severity: string; code: string; message: string | null }[];
  }[];
}

/** Findings from WARNING upward. Output that is no JSON is a tool that could not read the file. */
async function judge(specimen: Specimen, answer: Promise<Said>): Promise<Verdict> {
  const [stdout, stderr] = await answer;
  if (!stdout.startsWith("{")) return refuses(stdout + stderr);
  const isAllowed = allowedFindings("pkilint", specimen);
  const findings = (JSON.parse(stdout) as Findings).results.flatMap(({ node_path, finding_descriptions }) =>
    finding_descriptions
      .filter(({ code, message }) => !isAllowed(code, message ?? ""))
      .map(({ severity, code, message }) => `${severity} ${code} at ${node_path}${message ? `: ${message}` : ""}`),
  );
  return findings.length === 0 ? ACCEPTS : refuses(findings.join("\n"));
}
