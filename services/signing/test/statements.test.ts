import { hash, randomUUID } from "node:crypto";
import {
  type ArtefactTrust,
  parseBundle,
  parseStatement,
  parseTrustPolicy,
  type Resource,
  type TrustPolicy,
  verifySignedArtefact,
} from "@vcc-pki/artefact";
import { type Artefact, Shape, type Signature, type SignStatementRequest } from "@vcc-pki/proto/signing";
import { type Certificate, equalBytes, parseCertificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { ADAPTER_FILES, artefact, manifestRequest, resourcesOf } from "./requests.ts";

let harness: SigningHarness;
let policy: TrustPolicy;
let trust: ArtefactTrust;

beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
  await harness.createSigner("rsa", "rsa-4096");
  const { authorities } = harness.ca.as();
  const issuers = (await authorities.listIssuers({})).issuers;
  const ofIssuer = (id: string): Certificate =>
    parseCertificate(issuers.find(({ authorityId }) => authorityId === id)?.certificateDer ?? new Uint8Array());
  const root = ofIssuer("vcc-root-ca");
  const signersCa = ofIssuer("vcc-code-signing-ca");
  trust = { anchors: [root], timeStampAnchors: [root], intermediates: [signersCa] };
  policy = parseTrustPolicy({
    issuers: [`sha256:${hash("sha256", signersCa.spkiDer)}`],
    identities: ["spiffe://vcc.internal/org/brandenburg/service/clara"],
    ...{ organisation: "brandenburg", types: ["lora_adapter", "file"], revocation: "where-known" },
  });
});
afterAll(() => harness.close());

const sign = (format: string, fields: Partial<SignStatementRequest> = {}, requester?: string) =>
  harness.as(requester).signatures.signStatement({
    ...{ requestId: randomUUID(), signer: "clara", artefact: artefact(), format },
    ...fields,
  });
const onDisk = (files: Readonly<Record<string, string>>): Resource[] =>
  resourcesOf(files).map(({ path, sha256 }) => ({ path, sha256Hex: Buffer.from(sha256).toString("hex") }));
const verify = (bundle: Uint8Array, files = ADAPTER_FILES, shape: "file" | "directory" = "directory") =>
  verifySignedArtefact({
    ...{ material: { format: "bundle", bundle }, observed: { shape, resources: onDisk(files) }, trust, policy },
  });
const refused = (bundle: Uint8Array, files = ADAPTER_FILES) =>
  verify(bundle, files).verdicts.flatMap(({ ok, name }) => (ok ? [] : [name]));
const FILE: Artefact = artefact({
  ...{ type: "file", name: "notes", metadataJson: "", shape: Shape.FILE },
  resources: resourcesOf({ "notes.txt": "notes\n" }),
});

describe.each(["oms", "sigstore", "attestation"])("%s", (format) => {
  let made: Signature;
  beforeAll(async () => {
    made = await sign(format);
  });

  it("is accepted by a relying party with all that was said of the artefact", () => {
    const verification = verify(made.bundleJson);
    expect(verification.verdicts.filter(({ ok }) => !ok)).toEqual([]);
    expect(verification).toMatchObject({
      ...{ ok: true, signedAt: made.genTime, artefactDigest: made.artefactDigest },
      facts: { type: "lora_adapter", name: "bauordnung", version: "1.2.0", organisation: "brandenburg" },
      signer: { uri: CLARA },
    });
    expect(made).toMatchObject({ format, signer: "clara", type: "lora_adapter", name: "bauordnung" });
    expect([made.signedDataDer.length, made.manifest.length]).toEqual([0, 0]);
  });

  it("is refused about other files, and when its statement, its signature or its time stamp is another's", async () => {
    expect(refused(made.bundleJson, { ...ADAPTER_FILES, extra: "" })).not.toEqual([]);
    const other = JSON.parse(
      Buffer.from((await sign(format, { artefact: artefact({ version: "2" }) })).bundleJson).toString(),
    );
    const swapped = (swap: (bundle: typeof other) => void) => {
      const bundle = JSON.parse(Buffer.from(made.bundleJson).toString());
      swap(bundle);
      return refused(Buffer.from(JSON.stringify(bundle)));
    };
    expect(swapped(() => {})).toEqual([]);
    const { timestampVerificationData } = other.verificationMaterial;
    expect(swapped((bundle) => Object.assign(bundle.dsseEnvelope, { payload: other.dsseEnvelope.payload }))).toContain(
      "signature",
    );
    expect(
      swapped((bundle) => Object.assign(bundle.dsseEnvelope, { signatures: other.dsseEnvelope.signatures })),
    ).toContain("signature");
    expect(swapped((bundle) => Object.assign(bundle.verificationMaterial, { timestampVerificationData }))).not.toEqual(
      [],
    );
  });

  it("is found again octet by octet, also after a restart", async () => {
    const { signatureId } = made;
    await harness.restart();
    const again = await harness.as().signatures.getSignature({ signatureId });
    expect(equalBytes(again.bundleJson, made.bundleJson)).toBe(true);
  });

  it("is not the answer to a request for a manifest under the same id", async () => {
    const requestId = randomUUID();
    await sign(format, { requestId });
    const request = manifestRequest({ requestId });
    await expect(harness.as().signatures.signManifest(request)).rejects.toMatchObject({ code: "REQUEST_ID_REUSED" });
  });
});

describe("the form of a bundle", () => {
  it("has a chain for OpenSSF Model Signing, and one certificate for strict clients of sigstore", async () => {
    expect(parseBundle((await sign("oms")).bundleJson)).toMatchObject({ form: "chain", certificates: { length: 2 } });
    expect(parseBundle((await sign("sigstore")).bundleJson)).toMatchObject({ form: "certificate" });
  });

  it("is signed by RSA keys as envelopes have it", async () => {
    const { bundleJson, signer } = await sign("oms", { signer: "rsa" });
    expect(signer).toBe("rsa");
    expect(refused(bundleJson)).toEqual(["identity"]); // the policy names another signer
  });

  it("has in an attestation of a file the file's own digest", async () => {
    const { bundleJson } = await sign("attestation", { artefact: FILE });
    const statement = parseStatement(parseBundle(bundleJson).envelope.payload);
    expect(statement).toMatchObject({ shape: "file", resources: [{ path: "notes.txt" }] });
    expect(verify(bundleJson, { "notes.txt": "notes\n" }, "file").ok).toBe(true);
  });
});

describe("a statement is not signed", () => {
  it.each([
    ["of an unknown format", { format: "manifest" }, "REQUEST_MALFORMED"],
    ["of no format", { format: "" }, "REQUEST_MALFORMED"],
    ["of no artefact", { artefact: undefined }, "REQUEST_MALFORMED"],
    ["that policy does not admit", { artefact: artefact({ metadataJson: "" }) }, "ARTEFACT_NOT_ADMITTED"],
    [
      "of a file that is several",
      { format: "attestation", artefact: artefact({ shape: Shape.FILE }) },
      "REQUEST_MALFORMED",
    ],
  ])("%s", async (_, fields, code) => {
    await expect(sign("oms", fields)).rejects.toMatchObject({ code });
  });

  it("for another organisation, in another's name, or by a caller other than the gateway", async () => {
    await expect(sign("oms", {}, STRANGER)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(sign("oms", {}, CLARA.replace("clara", "covina"))).rejects.toMatchObject({
      code: "SIGNING_NOT_ALLOWED",
    });
    const { signatures } = harness.as(undefined, "tsa");
    const request = { requestId: randomUUID(), signer: "clara", artefact: artefact(), format: "oms" };
    await expect(signatures.signStatement(request)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
  });
});

describe("a distribution", () => {
  const wheel = "recht-1.2-py3-none-any.whl";
  const distribution = (fields: Partial<Artefact> = {}) =>
    artefact({
      ...{ type: "python_package", name: "recht", version: "1.2", metadataJson: "", shape: Shape.FILE },
      ...{ resources: resourcesOf({ [wheel]: "wheel" }), ...fields },
    });

  it("is published by the attestation object of PEP 740, which verifies and says no more", async () => {
    const { bundleJson, artefactDigest, type, name, version } = await sign("publish", { artefact: distribution() });
    const object = JSON.parse(Buffer.from(bundleJson).toString());
    expect([object.version, Object.keys(object.verification_material)]).toEqual([
      ...[1, ["certificate", "transparency_entries"]],
    ]);
    expect(JSON.parse(Buffer.from(object.envelope.statement, "base64").toString())).toEqual({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: wheel, digest: { sha256: artefactDigest.slice("sha256:".length) } }],
      ...{ predicateType: "https://docs.pypi.org/attestations/publish/v1", predicate: null },
    });
    expect([type, name, version]).toEqual(["python_package", "recht", "1.2"]);
    const { ok, verdicts } = verifySignedArtefact({
      ...{
        material: { format: "bundle", bundle: bundleJson },
        trust,
        policy: { ...policy, types: ["python_package"] },
      },
      observed: { shape: "file", resources: onDisk({ [wheel]: "wheel" }) },
    });
    expect([ok, verdicts.filter((verdict) => !verdict.ok)]).toEqual([true, []]);
  });

  it.each<[string, Partial<Artefact>, string]>([
    ["of another type", { type: "file" }, "REQUEST_MALFORMED"],
    ["in a directory", { shape: Shape.DIRECTORY }, "REQUEST_MALFORMED"],
    ["of no distribution's name", { resources: resourcesOf({ "recht.py": "x" }) }, "STATEMENT_MALFORMED"],
    ["with more to say", { metadataJson: '{"riskClass":"minimal"}' }, "REQUEST_MALFORMED"],
  ])("is not published %s", async (_, fields, code) => {
    await expect(sign("publish", { artefact: distribution(fields) })).rejects.toMatchObject({ code });
  });
});

describe("a container's image", () => {
  const digest = `sha256:${hash("sha256", "an image's manifest")}`;
  const image = (fields: Partial<Artefact> = {}) =>
    artefact({
      ...{
        type: "container_image",
        name: "registry.vcc.internal/argus",
        version: "2",
        metadataJson: "",
        resources: [],
      },
      ...{ shape: Shape.DIGEST, artefactDigest: digest, ...fields },
    });

  it("is signed by its digest alone, which is what recalls of it go by", async () => {
    const { bundleJson, artefactDigest } = await sign("attestation", { artefact: image() });
    expect(artefactDigest).toBe(digest);
    const about = (hex: string) =>
      verifySignedArtefact({
        ...{ material: { format: "bundle", bundle: bundleJson }, trust },
        policy: { ...policy, types: ["container_image"] },
        observed: { shape: "digest", hash: "sha256", digest: Buffer.from(hex, "hex") },
      }).verdicts.flatMap(({ code }) => code ?? []);
    expect(about(digest.slice("sha256:".length))).toEqual([]);
    expect(about("00".repeat(32))).toEqual(["RESOURCE_CHANGED"]);
  });

  it.each<[string, Partial<Artefact>, string, string]>([
    ["as a manifest", {}, "oms", "REQUEST_MALFORMED"],
    ["with files, too", { resources: resourcesOf(ADAPTER_FILES) }, "attestation", "REQUEST_MALFORMED"],
    ["of no digest", { artefactDigest: "" }, "attestation", "REQUEST_MALFORMED"],
    ["of another hash", { artefactDigest: "sha512:00" }, "attestation", "REQUEST_MALFORMED"],
    ["under another shape", { shape: Shape.DIRECTORY }, "attestation", "REQUEST_MALFORMED"],
    [
      "of a type that has files to look at",
      { type: "model_weights", metadataJson: '{"riskClass":"high"}' },
      "attestation",
      "ARTEFACT_NOT_ADMITTED",
    ],
  ])("is not signed %s", async (_, fields, format, code) => {
    await expect(sign(format, { artefact: image(fields) })).rejects.toMatchObject({ code });
  });
});
