import { hash, randomUUID } from "node:crypto";
import { type Artefact, Shape, type SignDigestsRequest, type SignManifestRequest } from "@vcc-pki/proto/signing";

/** A LoRA adapter as PEFT writes it, by path. */
export const ADAPTER_FILES: Readonly<Record<string, string>> = {
  "README.md": "an adapter\n",
  "adapter_config.json": '{"base_model_name_or_path":"clara-7b"}\n',
  "adapter_model.safetensors": "\b\0\0\0\0\0\0\0{}      ",
  "tokenizer/wörter.txt": "das\n",
};

export const BASE_MODEL = `sha256:${hash("sha256", "clara-7b")}`;

export const resourcesOf = (files: Readonly<Record<string, string>>): Artefact["resources"] =>
  Object.entries(files).map(([path, content]) => ({ path, sha256: hash("sha256", content, "buffer") }));

/** Only what matters to the test is named. */
export const artefact = (fields: Partial<Artefact> = {}): Artefact => ({
  ...{ type: "lora_adapter", name: "bauordnung", version: "1.2.0", shape: Shape.DIRECTORY },
  metadataJson: JSON.stringify({ riskClass: "limited", baseModel: { name: "clara-7b", digest: BASE_MODEL } }),
  resources: resourcesOf(ADAPTER_FILES),
  ...fields,
});

export const manifestRequest = (fields: Partial<SignManifestRequest> = {}): SignManifestRequest => ({
  ...{ requestId: randomUUID(), signer: "clara", artefact: artefact() },
  ...fields,
});

export const digestsRequest = (fields: Partial<SignDigestsRequest> = {}): SignDigestsRequest => ({
  ...{ requestId: randomUUID(), signer: "", sha256: [hash("sha256", "a log's batch", "buffer")] },
  ...fields,
});
