import { describe, expect, it } from "vitest";
import { ADAPTER, ADAPTER_FACTS, ADAPTER_FILES, resourcesOf } from "../test/adapter.ts";
import { type ArtefactFacts, artefactDigest, buildManifest, canonicalResources, parseManifest } from "./index.ts";

const text = buildManifest(ADAPTER).toString();
const parse = (manifest: string) => parseManifest(Buffer.from(manifest));
const refusal = (code: string) => expect.objectContaining({ code });
const [line0 = "", line1 = "", line2 = "", ...body] = text.trimEnd().split("\n");

describe("a manifest", () => {
  it("has three comment lines and then the files in order", () => {
    expect(line0).toBe("# vcc-manifest 1");
    expect(line1).toBe("# shape: directory");
    expect(JSON.parse(line2.replace("# artefact: ", ""))).toEqual(ADAPTER_FACTS);
    expect(body.map((line) => line.slice(64))).toEqual(Object.keys(ADAPTER_FILES).map((path) => ` *${path}`));
  });

  it("is read as it was written, whatever the order of the files", () => {
    const manifest = buildManifest({ ...ADAPTER, resources: ADAPTER.resources.toReversed() });
    expect(manifest.toString()).toBe(text);
    expect(parseManifest(manifest)).toEqual({ ...ADAPTER, resources: canonicalResources(ADAPTER.resources) });
  });

  it("does not depend on the order in which facts are said", () => {
    const { metadata, ...facts } = ADAPTER_FACTS;
    const reordered = Object.fromEntries(Object.entries(metadata).toReversed());
    const said = { metadata: reordered, ...Object.fromEntries(Object.entries(facts).toReversed()) };
    expect(buildManifest({ ...ADAPTER, facts: said as ArtefactFacts }).toString()).toBe(text);
  });

  it("escapes what sha256sum escapes", () => {
    const resources = resourcesOf({ "a\nb": "1", "c\\d": "2", "e\rf": "3", "\\n": "4" }).filter(
      ({ path }) => path !== "\\n",
    );
    const manifest = buildManifest({ ...ADAPTER, resources });
    expect(manifest.toString()).toMatch(/\n\\[0-9a-f]{64} \*a\\nb\n\\[0-9a-f]{64} \*c\\\\d\n\\[0-9a-f]{64} \*e\\rf\n$/);
    expect(parseManifest(manifest).resources).toEqual(resources);
  });

  it("of one file says so, and has another digest than a directory with this file", () => {
    const resources = resourcesOf({ "model.safetensors": "weights" });
    expect(parseManifest(buildManifest({ ...ADAPTER, shape: "file", resources })).shape).toBe("file");
    expect(artefactDigest("file", resources)).toBe(`sha256:${resources[0]?.sha256Hex}`);
    expect(artefactDigest("directory", resources)).not.toBe(artefactDigest("file", resources));
  });

  const swapped = [body[1], body[0], ...body.slice(2)].join("\n");
  const head = [line0, line1, line2].join("\n");
  const rest = body.join("\n");
  it.each([
    ["nothing", ""],
    ["an unfinished last line", text.slice(0, -1)],
    ["an empty line", `${text}\n`],
    ["carriage returns", text.replaceAll("\n", "\r\n")],
    ["a byte order mark", `\ufeff${text}`],
    ["another version", text.replace("vcc-manifest 1", "vcc-manifest 2")],
    ["no version", text.replace(`${line0}\n`, "")],
    ["another shape", text.replace("shape: directory", "shape: link")],
    ["no shape", text.replace(`${line1}\n`, "")],
    ["no facts", text.replace(`${line2}\n`, "")],
    ["facts that are no JSON", text.replace('"metadata":', "metadata:")],
    ["a fact twice", text.replace('"name":"bauordnung"', '"name":"other","name":"bauordnung"')],
    ["a fact under an escaped name", text.replace('"version"', '"\\u0076ersion"')],
    ["white space in the facts", text.replace('"version":', '"version": ')],
    ["an entry named __proto__", text.replace('"extra":{', '"extra":{"__proto__":"x",')],
    ["facts in another order", text.replace(/("type":"lora_adapter"),("version":"1.2.0")/, "$2,$1")],
    ["a further comment", `${head}\n# x\n${rest}\n`],
    ["files in another order", `${head}\n${swapped}\n`],
    ["text mode", text.replace(" *README", "  README")],
    ["a hash in upper case", text.replace(/[0-9a-f]{64}(?= )/g, (hex) => hex.toUpperCase())],
    ["a hash that is too short", text.replace(/[0-9a-f]( \*README)/, "$1")],
    ["an escape without need", text.replace(/\n([0-9a-f]{64} \*README)/, "\n\\$1")],
    ["an unknown escape", text.replace(/\n([0-9a-f]{64} \*)README/, "\n\\$1\\REA")],
    ["a backslash at the end", text.replace(/\n([0-9a-f]{64} \*)README.md/, "\n\\$1README\\")],
  ])("is refused with %s", (_, manifest) => {
    expect(() => parse(manifest)).toThrow(refusal("MANIFEST_MALFORMED"));
  });

  it("is refused in another encoding than UTF-8", () => {
    expect(() => parseManifest(Buffer.from(text, "latin1"))).toThrow(refusal("MANIFEST_MALFORMED"));
  });

  it.each([
    ["no files", `${head}\n`, "REQUEST_MALFORMED"],
    ["a file twice", `${text}${body.at(-1)}\n`, "NAME_MALFORMED"],
    ["a path upwards", text.replace("README.md", "../README.md"), "NAME_MALFORMED"],
    ["two files and the shape of one", text.replace("shape: directory", "shape: file"), "REQUEST_MALFORMED"],
    ["a signature among the files", text.replace("README.md", "SHA256SUMS"), "NAME_MALFORMED"],
    ["an unknown type", text.replace("lora_adapter", "rootkit"), "ARTEFACT_MALFORMED"],
    [
      "an unknown fact",
      text.replace('"name":"bauordnung"', '"name":"bauordnung","trusted":"yes"'),
      "ARTEFACT_MALFORMED",
    ],
    ["an unknown risk", text.replace('"limited"', '"none"'), "ARTEFACT_MALFORMED"],
    ["no organisation", text.replace('"organisation":"brandenburg",', ""), "ARTEFACT_MALFORMED"],
    ["a base model without its digest", text.replace(/"digest":"sha256:[0-9a-f]{64}",/, ""), "ARTEFACT_MALFORMED"],
  ])("is refused with %s", (_, manifest, code) => {
    expect(() => parse(manifest)).toThrow(refusal(code));
  });
});

describe("facts", () => {
  const withMetadata = (metadata: object) =>
    buildManifest({ ...ADAPTER, facts: { ...ADAPTER_FACTS, metadata: metadata as ArtefactFacts["metadata"] } });
  const extra = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, "v"]));

  it.each([
    ["a line feed", { modelVersion: "1\n2" }],
    ["half a character", { modelVersion: "\ud800" }],
    ["empty text", { modelVersion: "" }],
    ["text beyond its limit", { modelVersion: "v".repeat(129) }],
    ["a number", { extra: { accuracy: 0.9 } }],
    ["too many entries", { extra }],
    ["another hash", { datasets: [{ name: "d", digest: `sha512:${"a".repeat(64)}` }] }],
    ["an empty list", { datasets: [] }],
    ["too many datasets", { datasets: Array.from({ length: 257 }, () => ({ name: "d" })) }],
  ])("are refused with %s", (_, metadata) => {
    expect(() => withMetadata(metadata)).toThrow(refusal("ARTEFACT_MALFORMED"));
  });
});
