import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import type { Certificate } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { makeList } from "@vcc-pki/x509/test-chain";
import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import { describe, expect, it } from "vitest";
import { type Bundle, buildBundle, buildTrustedRoot, type RefusalCode } from "../src/index.ts";
import { ADAPTER_FACTS, ADAPTER_FILES, resourcesOf } from "./adapter.ts";
import { BUNDLE_CORRUPTIONS, day, flippedCertificate, sound } from "./bundle-corruptions.ts";
import {
  policy,
  refusals,
  root,
  servicesCa,
  signer,
  signersCa,
  signerWith,
  trust,
  trustWith,
  unit,
  verify,
} from "./relying-party.ts";
import { materialOf, signBundle } from "./signed-bundle.ts";

const SIGNER_URI = "spiffe://vcc.internal/org/brandenburg/service/clara-signer";
/** Between octets that are changed: all of them would take a minute. */
const STRIDE = 11;

/** Where the chain is not in the bundle. */
const strictTrust = { ...trust, intermediates: [signersCa.certificate, servicesCa.certificate] };
/** What npm's @sigstore/verify says of the strict form, under the trusted root that we export. */
function judge(bundle: Bundle): "accepts" | "refuses" {
  const trusted = buildTrustedRoot({
    signers: [[signersCa.certificate, root.certificate]],
    timeStampingUnits: [[unit.certificate, unit.ca.certificate]],
  });
  const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(trusted.toString())));
  const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 });
  const text = buildBundle(bundle).toString();
  try {
    const policy = { subjectAlternativeName: SIGNER_URI };
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(text))), policy);
    return "accepts";
  } catch {
    return "refuses";
  }
}

describe("a bundle of a directory, of OpenSSF Model Signing's form and of sigstore's strict one", () => {
  const strict = (bundle: Bundle): Bundle => ({ ...bundle, form: "certificate" });

  it("is accepted by us, and the strict one by @sigstore/verify", () => {
    const accepted = { ok: true, facts: ADAPTER_FACTS, signer: { uri: SIGNER_URI }, signedAt: GEN_TIME };
    expect(verify({ material: materialOf(sound) })).toMatchObject(accepted);
    expect(verify({ material: materialOf(strict(sound)), trust: strictTrust })).toMatchObject(accepted);
    expect({ strict: judge(strict(sound)), chain: judge(sound) }).toEqual({ strict: "accepts", chain: "refuses" });
  });

  it("by a P-384 key is not for @sigstore/verify, which hashes with SHA-256 whatever the curve", () => {
    const by = signerWith({ keyAlgorithm: "ec-p384" });
    const bundle = signBundle(undefined, { by });
    expect(refusals({ material: materialOf(bundle) })).toEqual([]);
    expect(judge(strict(bundle))).toBe("refuses");
  });

  it("without its chain is accepted only where the authority is at hand", () => {
    expect(refusals({ material: materialOf(strict(sound)) })).toEqual([
      "CERTIFICATE_NOT_TRUSTED",
      "ISSUER_NOT_ALLOWED",
    ]);
  });

  it.each(BUNDLE_CORRUPTIONS)("is refused with $what", ({ bundle, codes, overlooked }) => {
    expect(refusals({ material: materialOf(bundle) })).toEqual(codes);
    expect(refusals({ material: materialOf(strict(bundle)), trust: strictTrust })).toEqual(codes);
    expect(judge(strict(bundle))).toBe(overlooked === undefined ? "refuses" : "accepts");
  });

  const { certificate } = signer;
  it.each<[string, readonly Certificate[], RefusalCode[]]>([
    [
      "a flipped bit in its certificate",
      [flippedCertificate(certificate), signersCa.certificate],
      ["CERTIFICATE_CHAIN_BROKEN", "CERTIFICATE_NOT_TRUSTED", "ISSUER_NOT_ALLOWED"],
    ],
    [
      "a flipped bit in its chain",
      [certificate, flippedCertificate(signersCa.certificate)],
      ["CERTIFICATE_NOT_TRUSTED"],
    ],
    [
      "a certificate more that does not belong to it",
      [certificate, signersCa.certificate, servicesCa.certificate],
      ["CERTIFICATE_CHAIN_BROKEN"],
    ],
  ])("is refused with %s", (_, certificates, codes) => {
    expect(refusals({ material: materialOf({ ...sound, certificates }) })).toEqual(codes);
  });

  it("is refused with an octet changed, wherever", () => {
    const octets = buildBundle(sound);
    const accepted: string[] = [];
    for (let at = 0; at < octets.length; at += STRIDE) {
      const changed = octets.with(at, (octets[at] as number) ^ (1 << (at % 3)));
      if (verify({ material: { format: "bundle", bundle: changed } }).ok)
        accepted.push(octets.subarray(at - 12, at + 4).toString());
    }
    expect(accepted).toEqual([]);
  });

  it("is refused when it cannot be read", () => {
    const text = buildBundle(sound).toString().replace('"payload":', '"payload":"e30=","payload":');
    expect(refusals({ material: { format: "bundle", bundle: Buffer.from(text) } })).toEqual(["SIGNATURE_MALFORMED"]);
  });

  it.each<[string, Partial<Parameters<typeof verify>[0]>, RefusalCode[]]>([
    [
      "a signer that was revoked before",
      {
        trust: trustWith({
          crls: [
            makeList(root, { thisUpdate: day(-1), nextUpdate: day(30) }),
            makeList(signersCa, {
              thisUpdate: day(10),
              nextUpdate: day(30),
              revoked: [{ serial: certificate.serial, revocationDate: day(-2), reason: "superseded" }],
            }),
            makeList(unit.ca, { thisUpdate: day(-1), nextUpdate: day(30) }),
          ],
        }),
      },
      ["CERTIFICATE_REVOKED"],
    ],
    ["another root", { trust: { ...trust, anchors: [makeCa("Root").certificate] } }, ["CERTIFICATE_NOT_TRUSTED"]],
    ["another policy of time stamps", { policy: { ...policy, timeStampPolicies: ["1.2.3"] } }, ["TIME_STAMP_INVALID"]],
    ["another risk class", { policy: { ...policy, riskClasses: ["minimal"] } }, ["RISK_CLASS_NOT_ALLOWED"]],
    ["another base model", { expected: { baseModel: `sha256:${"0".repeat(64)}` } }, ["BASE_MODEL_OTHER"]],
    ["another version", { expected: { version: "2" } }, ["ARTEFACT_OTHER"]],
    ["a changed file", { observed: files({ "README.md": "x" }) }, ["RESOURCE_CHANGED"]],
    ["a missing file", { observed: files({ "README.md": undefined }) }, ["RESOURCE_MISSING"]],
    ["a further file", { observed: files({ "run.py": "x" }) }, ["RESOURCE_EXTRA"]],
    ["a renamed file", { observed: files({ "README.md": undefined, README: "an adapter\n" }) }, ["RESOURCE_RENAMED"]],
    [
      "two files that could be the same",
      { observed: files({ "readme.md": "an adapter\n" }) },
      ["RESOURCE_NAMES_AMBIGUOUS", "RESOURCE_EXTRA"],
    ],
  ])("is refused with %s", (_, question, codes) => {
    expect(refusals({ material: materialOf(sound), ...question })).toEqual(codes);
  });
});

function files(change: Record<string, string | undefined>) {
  const all = Object.entries({ ...ADAPTER_FILES, ...change }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { shape: "directory", resources: resourcesOf(Object.fromEntries(all)) } as const;
}
