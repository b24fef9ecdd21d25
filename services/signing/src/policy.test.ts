import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArtefactFacts, canonicalResources } from "@vcc-pki/artefact";
import { parseSpiffeId } from "@vcc-pki/rpc";
import { afterAll, describe, expect, it } from "vitest";
import type { Format } from "./forms.ts";
import { readPolicy } from "./policy.ts";

const directory = mkdtempSync(join(tmpdir(), "policy-"));
afterAll(() => rmSync(directory, { recursive: true }));

const policyOf = (yaml: string) => {
  const file = join(directory, "artefacts.yaml");
  writeFileSync(file, yaml);
  return readPolicy(file);
};

const facts: ArtefactFacts = { type: "file", name: "notes", organisation: "brandenburg", metadata: {} };
const resources = (...paths: string[]) =>
  canonicalResources(paths.map((path) => ({ path, sha256Hex: "0".repeat(64) })));
const asking = (kind: "service" | "admin", signer = "clara", organisation = "brandenburg") => ({
  standing: kind === "admin" ? ("admin" as const) : ("workload" as const),
  ...{ organisation, signer, requester: parseSpiffeId(`spiffe://vcc.internal/org/${organisation}/${kind}/clara`) },
});

/** The code and rule of the refusal of a file, or nothing. */
function refusal(yaml: string, who = asking("admin"), files = resources("notes.txt"), format: Format = "manifest") {
  try {
    policyOf(yaml).requireArtefact(who, format, facts, files);
    return undefined;
  } catch (error) {
    const { code, details } = error as { code: string; details: { rule?: string } };
    return [code, details.rule].filter((part) => part !== undefined).join(" ");
  }
}
const forFiles = (rules: string, requesters = "[workload, admin]") =>
  `types: { file: { requesters: ${requesters}, ${rules} } }`;

describe("who may sign", () => {
  it("is decided by kind, organisation and signer", () => {
    expect(refusal(forFiles(""))).toBeUndefined();
    expect(refusal(forFiles("", "[workload]"))).toBe("SIGNING_NOT_ALLOWED");
    expect(refusal(forFiles("", "[admin]"), asking("service"))).toBe("SIGNING_NOT_ALLOWED");
    expect(refusal(forFiles("organisations: [brandenburg]"), asking("admin", "clara", "berlin"))).toBe(
      "SIGNING_NOT_ALLOWED",
    );
    expect(refusal(forFiles('signers: ["clara-*"]'), asking("admin", "clara-build"))).toBeUndefined();
    expect(refusal(forFiles('signers: ["clara-*"]'))).toBe("SIGNING_NOT_ALLOWED");
  });

  it("is a workload in its own name alone", () => {
    expect(refusal(forFiles(""), asking("service"))).toBeUndefined();
    expect(refusal(forFiles(""), asking("service", "covina"))).toBe("SIGNING_NOT_ALLOWED");
  });

  it("is nobody for digests, unless it is said", () => {
    expect(() => policyOf("types: {}").requireDigests(asking("service"))).toThrow("digests are not signed here");
    policyOf("types: {}\ndigests: { requesters: [workload] }").requireDigests(asking("service"));
  });
});

describe("what may be signed", () => {
  it("is named by its type", () => {
    expect(refusal("types: {}")).toBe("ARTEFACT_NOT_ADMITTED types");
  });

  it("is decided by format, files and metadata", () => {
    const files = resources("deep/weights.safetensors", "deep/MODEL.PKL");
    const rule = (rules: string) => refusal(forFiles(rules), undefined, files);
    expect(rule("formats: [oms]")).toBe("ARTEFACT_NOT_ADMITTED formats");
    expect(rule('requiredFiles: ["*.safetensors"]')).toBeUndefined();
    expect(rule("requiredFiles: [safetensors]")).toBe("ARTEFACT_NOT_ADMITTED requiredFiles");
    expect(rule('refusedFiles: ["*.pkl"]')).toBe("ARTEFACT_NOT_ADMITTED refusedFiles");
    expect(rule('refusedFiles: ["weights-safetensors"]')).toBeUndefined();
    expect(rule("requiredMetadata: [riskClass]")).toBe("ARTEFACT_NOT_ADMITTED requiredMetadata");
  });
});

describe("a policy", () => {
  it.each([
    ["is not YAML", "types: ["],
    ["says what is not known", "types: {}\nelse: 1"],
    ["names a type that is none", "types: { novel: { requesters: [admin] } }"],
    ["lets nobody sign", "types: { file: { requesters: [] } }"],
    ["has a pattern with a path", 'types: { file: { requesters: [admin], refusedFiles: ["a/b"] } }'],
  ])("that %s is refused", (_, yaml) => {
    expect(() => policyOf(yaml)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("comes with the suite", () => {
    readPolicy(new URL("../../../deploy/policies/artefacts.yaml", import.meta.url).pathname);
  });
});
