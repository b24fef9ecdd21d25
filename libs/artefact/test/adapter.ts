import { hash } from "node:crypto";
import { type ArtefactFacts, type Manifest, MIN_SHARD_OCTETS, type Shard } from "../src/index.ts";

/** A LoRA adapter's files, by path. */
export const ADAPTER_FILES: Readonly<Record<string, string>> = {
  "README.md": "an adapter\n",
  "adapter_config.json": '{"base_model_name_or_path":"clara-7b"}\n',
  "adapter_model.safetensors": "\b\0\0\0\0\0\0\0{}      ",
  "tokenizer/wörter.txt": "das\n",
};

export const ADAPTER_FACTS: ArtefactFacts = {
  type: "lora_adapter",
  name: "bauordnung",
  version: "1.2.0",
  organisation: "brandenburg",
  metadata: {
    modelVersion: "2026-10",
    baseModel: { name: "clara-7b", digest: `sha256:${hash("sha256", "clara-7b")}` },
    datasets: [{ name: "bauakten-2025" }],
    evaluations: [{ name: "bleu", result: "0.81" }],
    riskClass: "limited",
    extra: { ticket: "CL-17", approvedBy: "Referat 3" },
  },
};

export const resourcesOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([path, content]) => ({ path, sha256Hex: hash("sha256", content) }));

export function shardsOf(path: string, content: Uint8Array, shardOctets = MIN_SHARD_OCTETS): Shard[] {
  return Array.from({ length: Math.ceil(content.length / shardOctets) }, (_, i) => {
    const start = i * shardOctets;
    const piece = content.subarray(start, start + shardOctets);
    return { path, start, end: start + piece.length, sha256Hex: hash("sha256", piece) };
  });
}

export const ADAPTER: Manifest = {
  facts: ADAPTER_FACTS,
  shape: "directory",
  resources: resourcesOf(ADAPTER_FILES),
};
