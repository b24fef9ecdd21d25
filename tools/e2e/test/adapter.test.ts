import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type Digest, parseTrustPolicy } from "@vcc-pki/artefact";
import { KeptAnswers, type LoadedArtefact, loadVerified } from "@vcc-pki/client";
import { systemClock } from "@vcc-pki/time";
import { attributeValues, OID, parseCertificate, pemDecode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeLoraAdapter } from "./lora-adapter.ts";
import { eventually, type Suite, startSuite } from "./suite.ts";

const OFFSET = 16_000;
const SIGNING_PORT = 8083;
const MINUTE_MS = 60_000;

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite(OFFSET);
  await suite.json("signer", "create", "clara");
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

const digestOf = (model: string): Digest => `sha256:${hash("sha256", model)}`;

/** A new adapter on a base model, signed. */
async function signedAdapter(name: string, base: string): Promise<{ directory: string; digest: Digest }> {
  const directory = suite.file(name);
  writeLoraAdapter(directory, base);
  const facts = suite.file(`${name}.json`);
  const baseModel = { name: base, digest: digestOf(base) };
  writeFileSync(facts, JSON.stringify({ baseModel, datasets: [{ name: "bauakten" }], riskClass: "limited" }));
  const signed = await suite.json("sign", "--model", directory, "--signer", "clara", "--metadata", facts);
  return { directory, digest: signed.artefact_digest };
}

/** As a serving process does before it loads an adapter onto its model: it trusts a root, believes one authority about signers of its own
 *  organisation, and wants to know of revocations and recalls. */
function newLoader(): (directory: string, base: string) => Promise<LoadedArtefact> {
  const certificates = (file: string) => pemDecode(readFileSync(suite.file(file), "utf8"), "CERTIFICATE");
  const anchors = certificates("trust/root.pem").map(parseCertificate);
  const intermediates = certificates("trust/bundle.pem").map(parseCertificate);
  const issuer = intermediates.find(({ subject }) =>
    attributeValues(subject, OID.commonName).includes("VCC Code Signing CA"),
  );
  const policy = parseTrustPolicy({
    ...{ issuers: [`sha256:${hash("sha256", issuer?.spkiDer ?? "")}`], organisation: "vcc", types: ["lora_adapter"] },
    ...{ identities: ["spiffe://vcc.internal/org/vcc/service/clara"], revocation: "required", recall: "required" },
  });
  const kept = new KeptAnswers(suite.file("loader-cache"), systemClock);
  return (directory, base) =>
    loadVerified(directory, {
      ...{ clock: systemClock, policy, trust: { anchors, timeStampAnchors: anchors, intermediates } },
      online: { kept, graceMs: 0, recallUrl: `http://127.0.0.1:${SIGNING_PORT + OFFSET}` },
      expected: { baseModel: digestOf(base) },
    });
}

const refusal = (check: string, code: string) => ({ code: "ARTEFACT_REFUSED", details: { check, code } });

describe("a LoRA adapter", () => {
  it("is loaded while it may be used, and refused within a minute once it, or what it was made from, is recalled", async () => {
    const load = newLoader();
    const recalled = await signedAdapter("recalled", "clara-7b");
    const derived = await signedAdapter("derived", "clara-poisoned");
    const bystander = await signedAdapter("bystander", "clara-7b");
    const loaded = await load(recalled.directory, "clara-7b");
    expect(loaded.verification).toMatchObject({ artefactDigest: recalled.digest, facts: { name: "recalled" } });
    expect(loaded.adapter?.config).toMatchObject({ peftType: "LORA", baseModel: "clara-7b" });
    expect([...(loaded.adapter?.weights.values() ?? [])].flatMap(({ tensors }) => tensors)).toHaveLength(4);
    await load(derived.directory, "clara-poisoned");
    await load(bystander.directory, "clara-7b");

    await suite.json("recall", recalled.directory, "--reason", "an evaluation failed", "--yes");
    const lineage = ["recall", digestOf("clara-poisoned"), "--reason", "the base model was poisoned", "--yes"];
    expect((await suite.json(...lineage)).artefact_digests).toContain(derived.digest);
    const refused = async ({ directory }: { directory: string }, base: string) =>
      expect(load(directory, base)).rejects.toMatchObject(refusal("recall", "RECALLED"));
    await eventually(async () => {
      await refused(recalled, "clara-7b");
      await refused(derived, "clara-poisoned");
    }, MINUTE_MS);
    await load(bystander.directory, "clara-7b");
  }, 180_000);

  it("is refused on another base model than it was made for", async () => {
    const load = newLoader();
    const { directory } = await signedAdapter("on-another", "clara-13b");
    await load(directory, "clara-13b");
    await expect(load(directory, "clara-7b")).rejects.toMatchObject(refusal("base-model", "BASE_MODEL_OTHER"));
  });

  it("is refused when its configuration names another base model after it was signed", async () => {
    const load = newLoader();
    const { directory } = await signedAdapter("edited", "clara-13b");
    const config = `${directory}/adapter_config.json`;
    writeFileSync(config, readFileSync(config, "utf8").replace("clara-13b", "clara-7b"));
    await expect(load(directory, "clara-13b")).rejects.toMatchObject(refusal("resources-changed", "RESOURCE_CHANGED"));
  });
});
