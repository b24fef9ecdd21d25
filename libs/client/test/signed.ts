import { hash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import {
  type ArtefactFacts,
  type ArtefactTrust,
  buildBundle,
  buildManifest,
  buildOmsStatement,
  IN_TOTO_PAYLOAD_TYPE,
  MANIFEST_MIME_TYPE,
  type Manifest,
  parseTrustPolicy,
  SIGNATURE_FILES,
  type TrustPolicy,
} from "@vcc-pki/artefact";
import { buildPae, imprintData } from "@vcc-pki/x509";
import { makeCodeSigner, signDetached } from "@vcc-pki/x509/test-code-signer";
import { makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { walkTree } from "../src/index.ts";
import { adapterConfig, loraWeights } from "./model-files.ts";
import { newScratch, type Scratch, sha256Hex } from "./scratch.ts";

export const BASE_MODEL = `sha256:${sha256Hex("the base model")}` as const;
export const FACTS: ArtefactFacts = {
  ...{ type: "lora_adapter", name: "bauordnung", version: "1.2.0", organisation: "brandenburg" },
  metadata: { baseModel: { name: "clara-7b", digest: BASE_MODEL } },
};

/** Who signs, and who says when. */
export interface Hands {
  readonly signer: ReturnType<typeof makeCodeSigner>;
  readonly unit: ReturnType<typeof makeUnit>;
}

export const hands: Hands = { signer: makeCodeSigner(), unit: makeUnit() };

export const trustIn = ({ signer, unit }: Hands): ArtefactTrust => ({
  anchors: [signer.ca.certificate],
  timeStampAnchors: [unit.ca.certificate],
});

export const policyFor = ({ ca }: Hands["signer"], changes: Partial<TrustPolicy> = {}): TrustPolicy =>
  parseTrustPolicy({
    issuers: [`sha256:${hash("sha256", ca.spkiDer)}`],
    identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
    ...{ organisation: "brandenburg", types: ["lora_adapter", "python_package"], revocation: "where-known" },
    ...changes,
  });

export interface SignedAdapter extends Scratch {
  /** The adapter's directory. */
  readonly model: string;
  /** Signs what is there now. */
  sign(facts?: Partial<ArtefactFacts>): void;
  /** Puts a bundle of OpenSSF Model Signing in place of manifest and signature: about whole files, or about this statement. */
  signAsBundle(statement?: Uint8Array): void;
}

/** A LoRA adapter, signed, in a directory `model`. */
export function newAdapter({ signer, unit }: Hands = hands): SignedAdapter {
  const scratch = newScratch();
  const model = scratch.at("model");
  scratch.file("model/adapter_config.json", adapterConfig());
  scratch.file("model/adapter_model.safetensors", loraWeights());
  scratch.file("model/README.md", "an adapter\n");
  const manifestOf = (facts: Partial<ArtefactFacts>): Manifest => {
    const { files } = walkTree(model, SIGNATURE_FILES);
    const resources = files.map(({ path, location }) => ({ path, sha256Hex: sha256Hex(readFileSync(location)) }));
    return { facts: { ...FACTS, ...facts }, shape: "directory", resources };
  };
  const sign = (facts: Partial<ArtefactFacts> = {}) => {
    const manifest = buildManifest(manifestOf(facts));
    scratch.file("model/SHA256SUMS", manifest);
    scratch.file("model/SHA256SUMS.p7s", signDetached(signer, manifest, unit, { mimeType: MANIFEST_MIME_TYPE }));
  };
  const signAsBundle = (payload: Uint8Array = buildOmsStatement(manifestOf({}))) => {
    const payloadType = IN_TOTO_PAYLOAD_TYPE;
    const signature = signer.signOctets(buildPae({ payloadType, payload }));
    const bundle = buildBundle({
      ...{ form: "chain", certificates: [signer.certificate, signer.ca.certificate] },
      envelope: { payloadType, payload, signatures: [signature] },
      timeStamps: [unit.stamp({ messageImprint: imprintData("sha256", signature) })],
    });
    for (const name of ["SHA256SUMS", "SHA256SUMS.p7s"]) rmSync(scratch.at(`model/${name}`), { force: true });
    scratch.file("model/model.sig", bundle);
  };
  sign();
  return { ...scratch, model, sign, signAsBundle };
}
