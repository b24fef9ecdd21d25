import { hash, randomUUID } from "node:crypto";
import { MANIFEST_MIME_TYPE, parseManifest } from "@vcc-pki/artefact";
import { OID, parseCertificate, trustAnchors, verifyCadesSignature } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, newSigning, type SigningHarness } from "./harness.ts";
import { RelyingParty } from "./openssl.ts";
import { ADAPTER_FILES, artefact, BASE_MODEL, digestsRequest, manifestRequest, resourcesOf } from "./requests.ts";

let harness: SigningHarness;
let party: RelyingParty;

beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
  party = new RelyingParty(harness);
});
afterAll(async () => {
  party.close();
  await harness.close();
});

describe("a manifest", () => {
  it("is built from what was checked, and says what was said of the artefact", async () => {
    const { manifest, artefactDigest, ...signature } = await harness.as().signatures.signManifest(manifestRequest());
    const { facts, resources } = parseManifest(manifest);
    expect(facts).toMatchObject({ type: "lora_adapter", name: "bauordnung", organisation: "brandenburg" });
    expect(facts.metadata).toEqual({ riskClass: "limited", baseModel: { name: "clara-7b", digest: BASE_MODEL } });
    expect(resources.map(({ path }) => path)).toEqual(Object.keys(ADAPTER_FILES).sort());
    const lines = Buffer.from(manifest).toString().split("\n").slice(3).join("\n");
    expect(artefactDigest).toBe(`sha256:${hash("sha256", lines)}`);
    expect(signature).toMatchObject({ format: "manifest", type: "lora_adapter", signer: "clara", requester: ADMIN });
  });

  it("is accepted by OpenSSL and sha256sum, and refused when it or a file is changed", async () => {
    const { manifest, signedDataDer } = await harness.as().signatures.signManifest(manifestRequest());
    for (const [path, content] of Object.entries(ADAPTER_FILES)) party.write(path, content);
    party.write("SHA256SUMS", manifest);
    expect(await party.verify("SHA256SUMS", signedDataDer)).toBe("OK");
    expect(party.sha256sum("SHA256SUMS")).toBe(0);
    party.write("tokenizer/wörter.txt", "die\n");
    expect(party.sha256sum("SHA256SUMS")).toBe(1);
    party.write("SHA256SUMS", Buffer.from(manifest).toString().replace("limited", "minimal"));
    expect(await party.verify("SHA256SUMS", signedDataDer)).not.toBe("OK");
  });

  it("is the same for the same files in another order", async () => {
    const { signatures } = harness.as();
    const resources = resourcesOf(ADAPTER_FILES).reverse();
    const first = await signatures.signManifest(manifestRequest());
    const second = await signatures.signManifest(manifestRequest({ artefact: artefact({ resources }) }));
    expect(Buffer.from(second.manifest)).toEqual(Buffer.from(first.manifest));
  });
});

describe("a digest", () => {
  it("is signed without anything else being seen, under the workload's own name", async () => {
    const batches = ["first", "second", "third"];
    const sha256 = batches.map((batch) => hash("sha256", batch, "buffer"));
    const { signatures } = await harness.as(CLARA).signatures.signDigests(digestsRequest({ sha256 }));
    expect(signatures.map(({ artefactDigest }) => artefactDigest)).toEqual(
      batches.map((batch) => `sha256:${hash("sha256", batch)}`),
    );
    for (const [index, batch] of batches.entries()) {
      party.write("batch", batch);
      expect(await party.verify("batch", signatures[index]?.signedDataDer ?? Buffer.alloc(0))).toBe("OK");
    }
    expect(await party.verify("batch", signatures[0]?.signedDataDer ?? Buffer.alloc(0))).not.toBe("OK");
  });

  it("can be a hundred at once", async () => {
    const sha256 = Array.from({ length: 100 }, (_, index) => hash("sha256", String(index), "buffer"));
    const { signatures } = await harness.as(CLARA).signatures.signDigests(digestsRequest({ sha256 }));
    expect(new Set(signatures.map(({ signatureId }) => signatureId)).size).toBe(100);
  });
});

describe("what was signed", () => {
  it("as a manifest says so, and as a digest does not, though it were a manifest's", async () => {
    const { manifest, signedDataDer } = await harness.as().signatures.signManifest(manifestRequest());
    const sha256 = [hash("sha256", manifest, "buffer")];
    const { signatures } = await harness.as(CLARA).signatures.signDigests(digestsRequest({ sha256 }));
    const { rootsDer } = await harness.ca.as().authorities.getTrustBundle({});
    const trust = trustAnchors({ anchors: rootsDer.map(parseCertificate), purpose: OID.codeSigning });
    const timeStamp = { trust: trustAnchors({ anchors: rootsDer.map(parseCertificate) }) };
    const faults = (der: Uint8Array, mimeType?: string) =>
      verifyCadesSignature(der, { content: manifest, mimeType, trust, timeStamp }).checks.flatMap(({ ok, name }) =>
        ok ? [] : [name],
      );
    const ofDigest = signatures[0]?.signedDataDer ?? Buffer.alloc(0);
    expect(faults(signedDataDer, MANIFEST_MIME_TYPE)).toEqual([]);
    expect(faults(ofDigest)).toEqual([]);
    expect(faults(ofDigest, MANIFEST_MIME_TYPE)).toEqual(["mime-type"]);
    expect(faults(signedDataDer)).toEqual(["mime-type"]);
  });

  it("verifies as CAdES-B-T at the time of its time stamp", async () => {
    const { signatures } = await harness.as(CLARA).signatures.signDigests(digestsRequest());
    const [made] = signatures;
    const { rootsDer } = await harness.ca.as().authorities.getTrustBundle({});
    const anchors = rootsDer.map(parseCertificate);
    const result = verifyCadesSignature(made?.signedDataDer ?? Buffer.alloc(0), {
      content: { hash: "sha256", digest: hash("sha256", "a log's batch", "buffer") },
      trust: trustAnchors({ anchors, purpose: OID.codeSigning }),
      timeStamp: { trust: trustAnchors({ anchors }) },
    });
    expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(result.timeStamp?.at).toEqual(made?.genTime);
  });

  it("is found again by its id, its digest, its type and its signer", async () => {
    const { signatures } = harness.as();
    const made = await signatures.signManifest(manifestRequest());
    expect(await signatures.getSignature({ signatureId: made.signatureId })).toEqual(made);
    const page = { artefactDigest: "", type: "", signer: "", pageSize: 1, pageToken: "" };
    for (const filter of [{ artefactDigest: made.artefactDigest }, { type: "lora_adapter" }, { signer: "clara" }]) {
      const { signatures: found, nextPageToken } = await signatures.listSignatures({ ...page, ...filter });
      expect(found.map(({ signatureId }) => signatureId)).toEqual([made.signatureId]);
      const next = await signatures.listSignatures({ ...page, ...filter, pageToken: nextPageToken });
      expect(next.signatures[0]?.signatureId).not.toBe(made.signatureId);
    }
    expect((await signatures.listSignatures({ ...page, type: "ui_bundle" })).signatures).toEqual([]);
  });

  it("stands on record and is told by an event", async () => {
    const requestId = randomUUID();
    const { signatureId, artefactDigest } = await harness.as().signatures.signManifest(manifestRequest({ requestId }));
    const entries = [...harness.store.audit.read(1, 10_000)].filter(({ target }) => target === signatureId);
    expect(entries).toMatchObject([{ action: "artefact.sign", outcome: "done", requester: ADMIN, requestId }]);
    const events = harness.store.outbox.pending(10_000).filter(({ type }) => type === "pki.artefact.signed.v1");
    expect(events.at(-1)).toMatchObject({
      subject: "pki.brandenburg.artefact.signed",
      data: { signatureId, artefactDigest },
    });
  });
});
