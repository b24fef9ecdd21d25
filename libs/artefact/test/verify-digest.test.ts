import { CADES_CHECKS, type HashAlgorithm, imprintData } from "@vcc-pki/x509";
import { CADES_CORRUPTIONS, CONTENT, signer, sound, unit } from "@vcc-pki/x509/cades-corruptions";
import { signDetached } from "@vcc-pki/x509/test-code-signer";
import { describe, expect, it } from "vitest";
import {
  type ArtefactQuestion,
  MANIFEST_MIME_TYPE,
  type Observed,
  parseTrustPolicy,
  VERDICTS,
  verifySignedArtefact,
} from "../src/index.ts";
import { resourcesOf } from "./adapter.ts";
import { issuerOf } from "./relying-party.ts";

const policy = parseTrustPolicy({
  issuers: [issuerOf(signer.ca)],
  identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
  organisation: "brandenburg",
  types: ["untyped"],
  revocation: "where-known",
});
const trust = { anchors: [signer.ca.certificate], timeStampAnchors: [unit.ca.certificate] };
const digestOf = (content: Uint8Array, hash: HashAlgorithm = "sha256"): Observed => ({
  ...{ shape: "digest", hash, digest: imprintData(hash, content).digest },
});
const refusals = (cms: Uint8Array, change: Partial<ArtefactQuestion> = {}) =>
  verifySignedArtefact({
    ...{ material: { format: "cms", cms }, observed: digestOf(CONTENT), trust, policy },
    ...change,
  }).verdicts.flatMap(({ code }) => code ?? []);

describe("a digest with a signature", () => {
  it("is accepted, as a digest, as a file, and nothing is said of it", () => {
    expect(refusals(sound)).toEqual([]);
    const resources = resourcesOf({ "batch.log": CONTENT.toString() });
    const observed = { shape: "file", resources } as const;
    expect(refusals(sound, { observed })).toEqual([]);
    expect(verifySignedArtefact({ material: { format: "cms", cms: sound }, observed, trust, policy })).toMatchObject({
      ...{ ok: true, facts: undefined, artefactDigest: `sha256:${resources[0]?.sha256Hex}` },
    });
  });

  it.each<[string, Partial<ArtefactQuestion>, string]>([
    ["another digest", { observed: digestOf(Buffer.from("other")) }, "CONTENT_CHANGED"],
    ["another hash", { observed: digestOf(CONTENT, "sha3-256") }, "CONTENT_CHANGED"],
    ["another file", { observed: { shape: "file", resources: resourcesOf({ a: "other" }) } }, "CONTENT_CHANGED"],
    [
      "a directory of this file",
      { observed: { shape: "directory", resources: resourcesOf({ a: CONTENT.toString() }) } },
      "CONTENT_CHANGED",
    ],
    [
      "no policy for bare digests",
      { policy: { ...policy, types: ["file", "lora_adapter"] } },
      "ARTEFACT_TYPE_NOT_ALLOWED",
    ],
    ["a name that is expected", { expected: { name: "batch" } }, "ARTEFACT_OTHER"],
    ["a base model that is expected", { expected: { baseModel: `sha256:${"0".repeat(64)}` } }, "BASE_MODEL_OTHER"],
    ["a risk class that is expected", { policy: { ...policy, riskClasses: ["minimal"] } }, "RISK_CLASS_NOT_ALLOWED"],
  ])("is refused with %s", (_, change, code) => {
    expect(refusals(sound, change)).toEqual([code]);
  });

  it("is refused when it was signed as a manifest", () => {
    const cms = signDetached(signer, CONTENT, unit, { mimeType: MANIFEST_MIME_TYPE });
    expect(refusals(cms)).toEqual(["SIGNED_AS_SOMETHING_ELSE"]);
  });

  it("is refused when there are no files, or files that could be the same", () => {
    const observed = { shape: "directory", resources: resourcesOf({ a: "1", A: "1" }) } as const;
    expect(refusals(sound, { observed })).toEqual(["CONTENT_CHANGED", "RESOURCE_NAMES_AMBIGUOUS"]);
    expect(refusals(sound, { observed: { shape: "directory", resources: [] } })).toEqual(["CONTENT_CHANGED"]);
  });

  it.each(CADES_CORRUPTIONS)("is refused when its signature has $what", ({ signature, check }) => {
    expect(refusals(signature)[0]).toBe(VERDICTS[check as keyof typeof VERDICTS].code);
  });
});

it("there is a verdict for every check of a signature, each with its own code", () => {
  expect(CADES_CHECKS.filter((name) => !Object.hasOwn(VERDICTS, name))).toEqual([]);
  const rows = Object.values(VERDICTS);
  for (const column of ["code", "en", "de"] as const)
    expect(new Set(rows.map((row) => row[column])).size).toBe(rows.length);
});
