import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { TrustPolicy } from "@vcc-pki/artefact";
import { systemClock } from "@vcc-pki/time";
import { signDetached } from "@vcc-pki/x509/test-code-signer";
import { describe, expect, it } from "vitest";
import { loadVerified, type VerifyOptions, verifyArtefact } from "../src/index.ts";
import { loraWeights } from "./model-files.ts";
import { newScratch, sha256Hex } from "./scratch.ts";
import { BASE_MODEL, hands, newAdapter, policyFor, type SignedAdapter, trustIn } from "./signed.ts";

const policy = (changes: Partial<TrustPolicy> = {}) => policyFor(hands.signer, changes);

const options = (changes: Partial<VerifyOptions> = {}): VerifyOptions => ({
  ...{ clock: systemClock, remember: false, trust: trustIn(hands), policy: policy() },
  ...changes,
});

/** Names of the verdicts that do not hold. */
async function faults(path: string, changes: Partial<VerifyOptions> = {}): Promise<string[]> {
  const { ok, verdicts } = await verifyArtefact(path, options(changes));
  const failing = verdicts.filter((verdict) => !verdict.ok).map(({ name }) => name as string);
  expect(ok).toBe(failing.length === 0);
  return failing;
}

describe("an artefact on disk that is signed", () => {
  it("holds, and says what it is, by whom, and since when", async () => {
    const { model } = newAdapter();
    const result = await verifyArtefact(model, options({ expected: { name: "bauordnung", baseModel: BASE_MODEL } }));
    expect(result).toMatchObject({
      ok: true,
      facts: { type: "lora_adapter", name: "bauordnung" },
      signer: { uri: "spiffe://vcc.internal/org/brandenburg/service/clara-signer" },
      artefactDigest: expect.stringMatching(/^sha256:/),
    });
    expect(result.verdicts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["contents-inert", "contents-sound"]),
    );
  });

  it("may be one file, by a signature over its digest beside it", async () => {
    const { file, at } = newScratch();
    const content = Buffer.from("a wheel");
    file("a.whl", content);
    file("a.whl.p7s", signDetached(hands.signer, content, hands.unit));
    const untyped = { policy: policy({ types: ["untyped"] }) };
    expect(await faults(at("a.whl"), untyped)).toEqual([]);
    expect(await faults(at("a.whl"))).toEqual(["artefact-type"]);
    appendFileSync(at("a.whl"), "x");
    expect(await faults(at("a.whl"), untyped)).toEqual(["message-digest"]);
  });

  it.each<[string, string[], (adapter: SignedAdapter) => void]>([
    ["a file was changed", ["resources-changed"], ({ file }) => void file("model/README.md", "another\n")],
    ["a file is missing", ["resources-missing"], ({ at }) => rmSync(at("model/README.md"))],
    ["a file is extra", ["resources-extra"], ({ file }) => void file("model/extra.txt", "")],
    ["a hidden file is extra", ["resources-extra"], ({ file }) => void file("model/.git/hooks/post-checkout", "")],
    ["a file was renamed", ["resources-renamed"], ({ at }) => renameSync(at("model/README.md"), at("model/READ"))],
    [
      "a file is there twice for some systems",
      ["resource-names", "resources-extra"],
      ({ file }) => void file("model/readme.md", ""),
    ],
    [
      "the manifest was changed",
      ["message-digest", "resources-changed"],
      ({ at }) => {
        const text = readFileSync(at("model/SHA256SUMS"), "utf8");
        writeFileSync(at("model/SHA256SUMS"), text.replace(sha256Hex("an adapter\n"), sha256Hex("x")));
      },
    ],
    [
      "the manifest has a line more",
      ["message-digest", "statement"],
      ({ at }) => appendFileSync(at("model/SHA256SUMS"), "# x\n"),
    ],
    [
      "the signature is of another",
      ["message-digest"],
      ({ at }) => {
        const other = newAdapter();
        other.file("model/README.md", "another\n");
        other.sign();
        writeFileSync(at("model/SHA256SUMS.p7s"), readFileSync(other.at("model/SHA256SUMS.p7s")));
      },
    ],
    [
      "the adapter is cut short, and signed",
      ["contents-sound"],
      ({ file, sign }) => {
        file("model/adapter_model.safetensors", loraWeights().subarray(0, -1));
        sign();
      },
    ],
    [
      "a pickle came with it, and is signed",
      ["contents-inert"],
      ({ file, sign }) => {
        file("model/optimizer.pt", Buffer.from([0x80, 4, 0x95]));
        sign();
      },
    ],
    ["it is for another organisation", ["organisation"], ({ sign }) => sign({ organisation: "bayern" })],
    ["it is of another type", ["artefact-type"], ({ sign }) => sign({ type: "workflow" })],
  ])("is refused when %s, and leaves no copy", async (_, names, change) => {
    const adapter = newAdapter();
    change(adapter);
    const copyTo = adapter.at("copy");
    const before = readdirSync(adapter.directory);
    expect(await faults(adapter.model, { copyTo })).toEqual(names);
    expect(readdirSync(adapter.directory)).toEqual(before);
    await expect(loadVerified(adapter.model, options())).rejects.toMatchObject({
      code: "ARTEFACT_REFUSED",
      details: { check: expect.stringMatching(new RegExp(`^(${names.join("|")})$`)) },
    });
  });

  it("is refused on another base model than the one it was made for", async () => {
    const { model } = newAdapter();
    const baseModel = `sha256:${sha256Hex("another")}` as const;
    expect(await faults(model, { expected: { baseModel } })).toEqual(["base-model"]);
  });

  it("is not known not to be revoked while nobody is asked", async () => {
    const { model } = newAdapter();
    expect(await faults(model, { policy: policy({ revocation: "required" }) })).toEqual(["time-stamp-trust", "trust"]);
  });

  it("may be signed by a bundle of OpenSSF Model Signing, which is copied with it", async () => {
    const { model, at, file, signAsBundle } = newAdapter();
    signAsBundle();
    expect(await faults(model, { copyTo: at("copy") })).toEqual([]);
    expect(readdirSync(at("copy"))).toContain("model.sig");
    expect(await faults(at("copy"), { expected: { baseModel: BASE_MODEL } })).toEqual([]);
    file("model/README.md", "another\n");
    expect(await faults(model)).toEqual(["resources-changed"]);
    file("model/model.sig", "{}");
    expect(await faults(model)).toContain("well-formed");
  });
});

describe("a verified copy", () => {
  it("has exactly what was verified, and verifies again", async () => {
    const adapter = newAdapter();
    mkdirSync(adapter.at("model/empty"));
    expect(await faults(adapter.model, { copyTo: adapter.at("copy") })).toEqual([]);
    expect(readdirSync(adapter.at("copy")).sort()).toEqual([
      ...["README.md", "SHA256SUMS", "SHA256SUMS.p7s", "adapter_config.json", "adapter_model.safetensors"],
    ]);
    rmSync(adapter.model, { recursive: true });
    expect(await faults(adapter.at("copy"))).toEqual([]);
    expect(existsSync(adapter.model)).toBe(false);
  });
});

describe("a loader", () => {
  it("gets the octets that were verified, whatever becomes of the files", async () => {
    const { model } = newAdapter();
    const { files, adapter, verification } = await loadVerified(model, options());
    writeFileSync(`${model}/adapter_model.safetensors`, "other");
    expect(Buffer.compare(files.get("adapter_model.safetensors") as Uint8Array, loraWeights())).toBe(0);
    expect([...files.keys()].sort()).toEqual(["README.md", "adapter_config.json", "adapter_model.safetensors"]);
    expect(adapter?.config).toMatchObject({ peftType: "LORA" });
    expect(verification.signer.organisation).toBe("brandenburg");
  });
});
