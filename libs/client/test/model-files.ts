import { octetsOf } from "./scratch.ts";

/** A safetensors file: its header as given, padded with spaces to eight octets as its reference implementation does, and the tensors' octets. */
export function safetensorsOf(header: unknown, data: Uint8Array): Buffer {
  return rawSafetensors(Buffer.from(JSON.stringify(header)), data);
}

export function rawSafetensors(
  header: Uint8Array,
  data: Uint8Array,
  length = BigInt((header.length + 7) & ~7),
): Buffer {
  const padded = Buffer.concat([header, Buffer.alloc(((header.length + 7) & ~7) - header.length, " ")]);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length);
  return Buffer.concat([prefix, padded, data]);
}

/** Two tensors of a LoRA adapter of rank 4 on a layer of 8 by 16. */
export function loraWeights(): Buffer {
  const header = {
    __metadata__: { format: "pt" },
    "base_model.model.layers.0.q_proj.lora_A.weight": { dtype: "F32", shape: [4, 16], data_offsets: [0, 256] },
    "base_model.model.layers.0.q_proj.lora_B.weight": { dtype: "F32", shape: [8, 4], data_offsets: [256, 384] },
  };
  return safetensorsOf(header, octetsOf(384, "lora"));
}

export const adapterConfig = (overrides: Record<string, unknown> = {}): string =>
  JSON.stringify({
    ...{ peft_type: "LORA", base_model_name_or_path: "vcc/base", r: 4, lora_alpha: 8, target_modules: ["q_proj"] },
    ...overrides,
  });
