import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  ARTEFACT_PREDICATE_TYPE,
  artefactDigest,
  buildAttestation,
  buildOmsStatement,
  canonicalResources,
  type Manifest,
  PUBLISH_PREDICATE_TYPE,
  parseStatement,
} from "../src/index.ts";
import { ADAPTER, ADAPTER_FACTS, resourcesOf } from "./adapter.ts";

const adapter = { ...ADAPTER, resources: canonicalResources(ADAPTER.resources) };
const digest = artefactDigest("directory", adapter.resources);
const wheel = {
  facts: { ...ADAPTER_FACTS, type: "python_package" },
  shape: "file",
  resources: resourcesOf({ "clara-1.0-py3-none-any.whl": "wheel" }),
} as const satisfies Manifest;

const oms = buildOmsStatement(adapter).toString();
const attested = buildAttestation({ facts: ADAPTER_FACTS, shape: "directory", digest }).toString();
const parse = (text: string) => parseStatement(Buffer.from(text));

/** As `model_signing sign certificate` 1.1.1 writes it, of a directory "m" with a.txt ("hello\n") and d/b.bin ("x\n"). */
const FOREIGN = `{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    { "name": "m", "digest": { "sha256": "5f41e96d7bd1dd33f65a74c943bd628ec8e74787eb7e114ccc64ce681eec4479" } }
  ],
  "predicateType": "https://model_signing/signature/v1.0",
  "predicate": {
    "resources": [
      {
        "name": "a.txt",
        "algorithm": "sha256",
        "digest": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
      },
      {
        "name": "d/b.bin",
        "algorithm": "sha256",
        "digest": "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"
      }
    ],
    "serialization": {
      "hash_type": "sha256",
      "method": "files",
      "allow_symlinks": false,
      "ignore_paths": [".git", ".gitattributes", ".github", ".gitignore"]
    }
  }
}`;

describe("a statement", () => {
  it.each([
    ["of a model's files", adapter, buildOmsStatement(adapter)],
    ["of a model that is one file", wheel, buildOmsStatement(wheel)],
    ["of a distribution", wheel, buildAttestation(wheel)],
    ["of a digest", { facts: ADAPTER_FACTS, shape: "directory", digest }, Buffer.from(attested)],
  ])("%s is read as it was written", (_, signed, payload) => {
    expect(parseStatement(payload)).toEqual(signed);
  });

  it("of a model names it, and does not depend on the order of files", () => {
    expect(buildOmsStatement({ ...adapter, resources: adapter.resources.toReversed() }).toString()).toBe(oms);
    const hashes = Buffer.from(adapter.resources.map(({ sha256Hex }) => sha256Hex).join(""), "hex");
    expect(JSON.parse(oms).subject).toEqual([{ name: "bauordnung", digest: { sha256: hash("sha256", hashes) } }]);
  });

  it("of a distribution has its file as the subject, as PEP 740 has it", () => {
    const { subject, predicateType } = JSON.parse(buildAttestation(wheel).toString());
    expect(predicateType).toBe(ARTEFACT_PREDICATE_TYPE);
    expect(subject).toEqual([{ name: "clara-1.0-py3-none-any.whl", digest: { sha256: hash("sha256", "wheel") } }]);
  });

  it("by model_signing is read, and says nothing of the model", () => {
    expect(parse(FOREIGN)).toEqual({
      ...{ facts: undefined, shape: "directory", resources: resourcesOf({ "a.txt": "hello\n", "d/b.bin": "x\n" }) },
    });
  });

  const PUBLISHED = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "a-1.0.tar.gz", digest: { sha256: hash("sha256", "a") } }],
    predicateType: PUBLISH_PREDICATE_TYPE,
    predicate: null,
  });
  it("by which a distribution is published is read", () => {
    expect(parse(PUBLISHED)).toEqual({
      ...{ facts: undefined, shape: "file", resources: resourcesOf({ "a-1.0.tar.gz": "a" }) },
      impliedType: "python_package",
    });
  });

  const swapped = JSON.parse(oms);
  swapped.predicate.resources.reverse();
  const emptied = JSON.parse(FOREIGN);
  emptied.predicate.resources = [];
  it.each([
    ["nothing", ""],
    ["two subjects", oms.replace('"subject":[', `"subject":[{"name":"x","digest":{"sha256":"${"0".repeat(64)}"}},`)],
    ["no subject", oms.replace(/"subject":\[.*\]/, '"subject":[]')],
    ["another version", oms.replace("Statement/v1", "Statement/v2")],
    ["an unknown predicate", oms.replace("signature/v1.0", "signature/v2.0")],
    ["no predicate", oms.replace('"predicateType":', '"predicateTypes":')],
    ["a name twice", oms.replace('"name":"README.md"', '"name":"README.md","name":"README.md"')],
    ["a predicate twice", FOREIGN.replace('"predicate":', '"predicate":{},"predicate":')],
    ["white space", oms.replace('"predicate":', '"predicate": ')],
    ["files in another order", JSON.stringify(swapped)],
    ["another digest than its files", FOREIGN.replace("5f41e96d", "5f41e96e")],
    ["another hash of a file", FOREIGN.replace("5891b5b5", "5891b5b6")],
    ["no files", JSON.stringify(emptied)],
    ["shards", FOREIGN.replace('"files"', '"shards"')],
    ["symbolic links", FOREIGN.replace('"allow_symlinks": false', '"allow_symlinks": true')],
    ["another kind of hash", FOREIGN.replace('"hash_type": "sha256"', '"hash_type": "blake3"')],
    ["another kind of hash of a file", FOREIGN.replace('"algorithm": "sha256"', '"algorithm": "blake2b"')],
    ["a name of its own for a directory", attested.replace('"name":"bauordnung"}', '"name":"baurecht"}')],
    ["what else is said", attested.replace('"shape":', '"more":1,"shape":')],
    ["a predicate where there is none", PUBLISHED.replace('"predicate":null', '"predicate":{"a":1}')],
  ])("is refused with %s", (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "STATEMENT_MALFORMED" }));
  });

  it.each([
    ["a path upwards", FOREIGN.replace('"a.txt"', '"../a.txt"'), "NAME_MALFORMED"],
    ["a file twice", FOREIGN.replace('"a.txt"', '"d/b.bin"'), "NAME_MALFORMED"],
    ["a file twice but for case", FOREIGN.replace('"a.txt"', '"d/B.bin"'), "NAME_MALFORMED"],
    ["a signature among its files", FOREIGN.replace('"a.txt"', '"model.sig"'), "NAME_MALFORMED"],
    ["a file in a directory", PUBLISHED.replace("a-1.0", "d/a-1.0"), "REQUEST_MALFORMED"],
    ["an unknown type", oms.replace("lora_adapter", "rootkit"), "ARTEFACT_MALFORMED"],
    ["facts that are none", FOREIGN.replace('"predicate": {', '"predicate": {"vcc": 1,'), "ARTEFACT_MALFORMED"],
  ])("is refused with %s", (_, text, code) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }));
  });

  it("is not made of a file in a directory, or of two files as one", () => {
    const nested = { ...wheel, resources: resourcesOf({ "d/a.whl": "wheel" }) };
    const two = { ...wheel, resources: resourcesOf({ a: "1", b: "2" }) };
    for (const build of [buildAttestation, buildOmsStatement]) {
      for (const artefact of [nested, two]) expect(() => build(artefact)).toThrow();
    }
  });
});
