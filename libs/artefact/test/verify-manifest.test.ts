import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import { describe, expect, it } from "vitest";
import { artefactDigest, canonicalResources } from "../src/index.ts";
import { ADAPTER, ADAPTER_FACTS } from "./adapter.ts";
import { day, lists, MANIFEST_CORRUPTIONS, serial, sound, strict } from "./manifest-corruptions.ts";
import { refusals, verify } from "./relying-party.ts";

describe("a directory with a signed manifest", () => {
  it("is accepted, with what is known of it", () => {
    expect(verify({ material: sound })).toMatchObject({
      ok: true,
      artefactDigest: artefactDigest("directory", canonicalResources(ADAPTER.resources)),
      facts: ADAPTER_FACTS,
      signer: { uri: "spiffe://vcc.internal/org/brandenburg/service/clara-signer", organisation: "brandenburg" },
      signedAt: GEN_TIME,
    });
  });

  it("is accepted as what the caller expects", () => {
    const { name, version = "", metadata } = ADAPTER_FACTS;
    const baseModel = metadata.baseModel?.digest;
    expect(refusals({ material: sound, expected: { name, version, ...(baseModel && { baseModel }) } })).toEqual([]);
  });

  it("is accepted by its digest alone", () => {
    const text = artefactDigest("directory", canonicalResources(ADAPTER.resources));
    const digest = Uint8Array.fromHex(text.slice(7));
    expect(refusals({ material: sound, observed: { shape: "digest", hash: "sha256", digest } })).toEqual([]);
    expect(
      refusals({ material: sound, observed: { shape: "digest", hash: "sha256", digest: digest.with(0, 0) } }),
    ).toEqual(["RESOURCE_CHANGED"]);
    expect(refusals({ material: sound, observed: { shape: "digest", hash: "sha3-256", digest } })).toEqual([
      "RESOURCE_CHANGED",
    ]);
  });

  it("is accepted where lists show that nobody was revoked, or when the signer was retired later", () => {
    const later = { serial, revocationDate: day(5), reason: "superseded" } as const;
    expect(refusals({ material: sound, trust: lists(), policy: strict })).toEqual([]);
    expect(refusals({ material: sound, trust: lists(later), policy: strict })).toEqual([]);
  });

  it.each(MANIFEST_CORRUPTIONS)("is refused with %s", (_, question, codes) => {
    expect(refusals(question)).toEqual(codes);
  });
});
