import { describe, expect, it } from "vitest";
import {
  buildBundle,
  buildPublishAttestation,
  isDistributionName,
  PUBLISH_PREDICATE_TYPE,
  parseBundle,
  parseStatement,
  type RefusalCode,
} from "../src/index.ts";
import { resourcesOf } from "./adapter.ts";
import { PUBLISH_CORRUPTIONS, sound, WHEEL, WHEEL_FILES } from "./publish-corruptions.ts";
import { policy, refusals, signersCa, trust } from "./relying-party.ts";
import { materialOf } from "./signed-bundle.ts";

const statement = buildPublishAttestation(resourcesOf(WHEEL_FILES));
const text = buildBundle(sound).toString();

describe("the name of a distribution", () => {
  it.each([
    WHEEL,
    "a-1-py2.py3-none-any.whl",
    "a-1-2b-cp314-cp314-manylinux_2_34_x86_64.whl",
    "a-1.0.tar.gz",
    "a-b-1.0.zip",
    "a_b-1!2.0+local.tar.gz",
  ])("is %s", (name) => expect(isDistributionName(name)).toBe(true));
  it.each([
    "a.whl",
    "a-1.whl",
    "a-1-py3-none.whl",
    "-1-py3-none-any.whl",
    "a-1.tar",
    "a.tar.gz",
    "a/b-1.tar.gz",
    "a-1.tar.gz\n",
    "",
    `${"a".repeat(300)}-1.zip`,
  ])("is not %j", (name) => expect(isDistributionName(name)).toBe(false));
});

describe("a publish attestation", () => {
  /** Who takes a certificate alone has the rest of its chain. */
  const bundled = { ...trust, intermediates: [signersCa.certificate] };
  const allowing = { ...policy, types: ["python_package"] } as typeof policy;
  const about = (bundle = sound, content: Record<string, string> = WHEEL_FILES, by = allowing) =>
    refusals({
      material: materialOf(bundle),
      observed: { shape: "file", resources: resourcesOf(content) },
      ...{ policy: by, trust: bundled },
    });

  it("is about a Python package, by its predicate", () => {
    expect(parseStatement(statement)).toMatchObject({ facts: undefined, impliedType: "python_package", shape: "file" });
    expect(about()).toEqual([]);
    expect(about(sound, undefined, { ...policy, types: ["untyped", "file"] })).toEqual(["ARTEFACT_TYPE_NOT_ALLOWED"]);
  });

  it.each(PUBLISH_CORRUPTIONS)("with %s is refused", (_, bundle, codes) => {
    expect(about(bundle)).toEqual(codes);
  });

  it.each<[string, Record<string, string>, RefusalCode]>([
    ["another file", { [WHEEL]: "x" }, "RESOURCE_CHANGED"],
    ["a file of another name", { "clara_core-1.1-py3-none-any.whl": "wheel" }, "RESOURCE_RENAMED"],
  ])("of %s is refused", (_, content, code) => {
    expect(about(sound, content)).toEqual([code]);
  });

  it("is read as it was written", () => {
    const { form, envelope, certificates, timeStamps } = parseBundle(Buffer.from(text));
    expect([form, envelope.payload, certificates.length]).toEqual(["pep740", statement, 1]);
    expect([envelope.signatures, timeStamps]).toEqual(
      [sound.envelope.signatures, sound.timeStamps].map((each) => each.map((octets) => Buffer.from(octets))),
    );
    expect(JSON.parse(envelope.payload.toString()).predicateType).toBe(PUBLISH_PREDICATE_TYPE);
  });

  it.each([
    ["another version", text.replace('"version":1', '"version":2')],
    ["what it does not know", text.replace('"version":1', '"version":1,"more":1')],
    ["a statement twice", text.replace('"statement":', '"statement":"e30=","statement":')],
    ["no signature", text.replace(/,"signature":"[^"]*"/, "")],
    ["two signatures", text.replace(/"signature":("[^"]*")/, '"signature":[$1,$1]')],
    ["no certificate", text.replace(/"certificate":"[^"]*",/, "")],
    ["a certificate that is none", text.replace(/"certificate":"[^"]*"/, '"certificate":"MAA="')],
    ["a log's entry", text.replace(/"transparency_entries":\[.*?\]/, '"transparency_entries":[{"logIndex":"1"}]')],
    ["a time stamp that is none", text.replace(/"signedTimestamp":"[^"]*"/, '"signedTimestamp":"MAA="')],
    ["base64 that is loose", text.replace(/"statement":"/, '"statement":" ')],
  ])("is not read with %s", (_, changed) => {
    expect(() => parseBundle(Buffer.from(changed))).toThrow(expect.objectContaining({ code: "BUNDLE_MALFORMED" }));
  });

  it("has one signature", () => {
    const { envelope } = sound;
    expect(() => buildBundle({ ...sound, envelope: { ...envelope, signatures: [] } })).toThrow(RangeError);
  });
});
