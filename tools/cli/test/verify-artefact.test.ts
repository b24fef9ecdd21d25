import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { buildManifest, MANIFEST_MIME_TYPE } from "@vcc-pki/artefact";
import { pemEncode } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { makeCodeSigner, signDetached } from "@vcc-pki/x509/test-code-signer";
import { makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { describe, expect, it } from "vitest";
import { newCli } from "./cli.ts";

// A suite as a ceremony leaves it: one root, and below it the authorities of signers and of time-stamping units.
const root = makeCa("VCC Root CA");
const signers = makeCa("VCC Code Signing CA", {}, root);
const units = makeCa("VCC TSA CA", {}, root);
const signer = makeCodeSigner({ ca: signers });
const unit = makeUnit({ ca: units });
const pem = (...authorities: { certificate: { der: Uint8Array } }[]) =>
  authorities.map(({ certificate }) => pemEncode("CERTIFICATE", certificate.der)).join("");

const cli = newCli({ admin: { chainPem: "", keyPem: "" }, trustPem: pem(root), port: 8443 }, "vcc-sign");
writeFileSync(`${cli.home}/trust/bundle.pem`, pem(signers, units));

let count = 0;
/** A package of two files, signed. */
function newPackage(): string {
  const directory = cli.file(`package${++count}`);
  const files = { "a.py": "print('a')\n", "b/c.py": "print('c')\n" };
  mkdirSync(`${directory}/b`, { recursive: true });
  for (const [path, content] of Object.entries(files)) writeFileSync(`${directory}/${path}`, content);
  const manifest = buildManifest({
    facts: { type: "python_package", name: "argus", version: "2.0.0", organisation: "brandenburg", metadata: {} },
    shape: "directory",
    resources: Object.entries(files).map(([path, content]) => ({
      ...{ path, sha256Hex: createHash("sha256").update(content).digest("hex") },
    })),
  });
  writeFileSync(`${directory}/SHA256SUMS`, manifest);
  writeFileSync(`${directory}/SHA256SUMS.p7s`, signDetached(signer, manifest, unit, { mimeType: MANIFEST_MIME_TYPE }));
  return directory;
}

const verify = (...args: string[]) => cli.run("verify", "--no-cache", "--offline", ...args);
interface Told {
  readonly ok: boolean;
  readonly checks: { name: string; ok: boolean; code?: string; reason?: { en: string; de: string } }[];
  readonly [key: string]: unknown;
}

describe("vcc-sign verify", () => {
  it("believes a local suite's code signing authority, and names every check", async () => {
    const directory = newPackage();
    const { exit, out } = await verify("--package", directory);
    expect(exit).toBe(0);
    expect(out).toMatch(
      /^the artefact may be used\nartefact +python_package argus 2\.0\.0\ndigest +sha256:[0-9a-f]{64}\n/,
    );
    expect(out).toMatch(/^signed by +spiffe:\/\/vcc\.internal\/org\/brandenburg\/service\/clara-signer$/m);
    for (const name of ["signature", "time-stamp", "path", "issuer", "identity", "organisation", "resources-extra"])
      expect(out).toMatch(new RegExp(`^${name} +holds$`, "m"));
  });

  it("says that nobody was asked about recalls, and wants them asked about when it is told where", async () => {
    const directory = newPackage();
    const recalls = async (...args: string[]) => {
      const { exit, json } = await cli.run("verify", "--no-cache", "--json", "--package", directory, ...args);
      return [exit, (json() as unknown as Told).checks.find(({ name }) => name === "recall-known")];
    };
    const reason = { en: "It is not known whether the artefact was recalled." };
    const [exit, waived] = await recalls("--offline");
    expect([exit, waived]).toMatchObject([0, { ok: true, isWaived: true, reason }]);
    expect((await verify("--package", directory)).out).toMatch(/^recall-known +waived +It is not known/m);
    expect(await recalls()).toMatchObject([3, { ok: false, code: "RECALL_NOT_KNOWN" }]);
    expect(await recalls("--offline", "--recalls", "http://127.0.0.1:9")).toMatchObject([3, { ok: false }]);
  });

  it("tells what fails by name and code, in two languages, and makes no copy", async () => {
    const directory = newPackage();
    appendFileSync(`${directory}/a.py`, "#");
    const copy = cli.file(`copy${count}`);
    const { exit, json } = await verify("--package", directory, "--copy-to", copy, "--json");
    const { ok, checks, signed_by } = json() as unknown as Told;
    expect([exit, ok, signed_by, existsSync(copy)]).toEqual([3, false, undefined, false]);
    expect(checks.filter((check) => !check.ok)).toMatchObject([
      { name: "resources-changed", code: "RESOURCE_CHANGED", reason: { de: "Eine Datei wurde verändert." } },
    ]);
    const german = await verify("--package", directory, "--lang", "de");
    expect(german.exit).toBe(3);
    expect(german.out).toMatch(/^das Artefakt darf nicht verwendet werden\nArtefakt +\S+\n/);
    expect(german.out).toMatch(
      /^resources-changed +verletzt +RESOURCE_CHANGED +Eine Datei wurde verändert\. \("a\.py"\)$/m,
    );
  });

  it("hands out a copy of what holds", async () => {
    const directory = newPackage();
    const copy = cli.file(`copy${count}`);
    expect((await verify("--package", directory, "--copy-to", copy)).exit).toBe(0);
    expect(readdirSync(copy).sort()).toEqual(["SHA256SUMS", "SHA256SUMS.p7s", "a.py", "b"]);
    expect((await verify("--package", copy)).exit).toBe(0);
    expect((await verify("--package", directory, "--copy-to", copy)).exit).toBe(7);
  });

  it("goes by a policy that is written down, and refuses one that is not understood", async () => {
    const directory = newPackage();
    const issuer = createHash("sha256").update(signers.spkiDer).digest("hex");
    const policy = (changes: string) =>
      cli.file(
        `policy${++count}.yaml`,
        `issuers: ["sha256:${issuer}"]\nidentities: ["spiffe://vcc.internal/org/*/service/clara-signer"]\norganisation: brandenburg\n${changes}`,
      );
    const failing = async (file: string, ...args: string[]) => {
      const { exit, json } = await verify("--package", directory, "--trust-policy", file, "--json", ...args);
      return [exit, ...(json() as unknown as Told).checks.filter(({ ok }) => !ok).map(({ name }) => name)];
    };
    const usual = "types: [python_package]\nrevocation: where-known\n";
    expect(await failing(policy(usual))).toEqual([0]);
    expect(await failing(policy("types: [workflow]\nrevocation: where-known\n"))).toEqual([3, "artefact-type"]);
    expect(await failing(policy(`${usual}recall: required\n`))).toEqual([3, "recall-known"]);
    expect(await failing(policy(usual), "--recalls", "http://127.0.0.1:9")).toEqual([3, "recall-known"]);
    expect(await failing(policy("types: [python_package]\n"))).toEqual([3, "time-stamp-trust", "trust"]);
    const elsewhere = cli.file("other-root.pem", pem(makeCa("VCC Root CA")));
    expect(await failing(policy(usual), "--trust", elsewhere)).toEqual([3, "time-stamp-trust", "trust"]);
    for (const wrong of ["types: [python_package]\nunknown: 1\n", "types: []\n", "types: [a]\ntypes: [b]\n", "[\n"]) {
      const { exit, err } = await verify("--package", directory, "--trust-policy", policy(wrong), "--json");
      expect([exit, JSON.parse(err).code], wrong).toEqual([2, "CONFIG_INVALID"]);
    }
  });

  it("takes a package for no model, and neither for both", async () => {
    const directory = newPackage();
    const { exit, json } = await verify("--model", directory, "--json");
    const { checks } = json() as unknown as Told;
    expect([exit, checks.find(({ ok }) => !ok)?.name]).toEqual([3, "artefact-type"]);
    expect((await verify("--model", directory, "--package", directory)).exit).toBe(2);
    expect((await verify()).exit).toBe(2);
    expect((await verify("--package", directory, "--base-model", "abc")).exit).toBe(2);
  });

  it("asks about revocation unless told not to, and believes nothing when nobody answers", async () => {
    const directory = newPackage();
    const { exit, json } = await cli.run("verify", "--package", directory, "--no-cache", "--json");
    const { ok, checks } = json() as unknown as Told;
    expect([exit, ok, checks.some((check) => !check.ok)]).toEqual([3, false, true]);
  });

  it("says where nothing vouches for an artefact, and that a policy is needed where there is no suite", async () => {
    const unsigned = cli.file("unsigned");
    mkdirSync(unsigned);
    expect((await verify("--package", unsigned)).exit).toBe(4);
    const lone = cli.file("lone.pem", pem(root));
    mkdirSync(cli.file("lone"));
    writeFileSync(cli.file("lone/root.pem"), pem(root));
    expect(existsSync(lone)).toBe(true);
    const { exit, err } = await verify("--package", newPackage(), "--trust", cli.file("lone/root.pem"));
    expect([exit, err]).toEqual([2, expect.stringContaining("--trust-policy")]);
  });
});
