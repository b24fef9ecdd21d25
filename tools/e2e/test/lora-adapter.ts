import { randomFillSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const RANK = 8;
const HIDDEN = 64;
const BF16_OCTETS = 2;

/** Writes a LoRA adapter as PEFT saves one: `adapter_config.json`, and the two matrices of each adapted layer as safetensors. No two are alike. */
export function writeLoraAdapter(directory: string, baseModel: string): void {
  mkdirSync(directory, { recursive: true });
  const config = {
    ...{ peft_type: "LORA", task_type: "CAUSAL_LM", base_model_name_or_path: baseModel, inference_mode: true },
    ...{ r: RANK, lora_alpha: 2 * RANK, lora_dropout: 0, bias: "none", target_modules: ["q_proj", "v_proj"] },
  };
  writeFileSync(join(directory, "adapter_config.json"), `${JSON.stringify(config, null, 2)}\n`);
  const layers = ["q_proj", "v_proj"].map((name) => `base_model.model.model.layers.0.self_attn.${name}`);
  const shapes = layers.flatMap((layer) => [
    [`${layer}.lora_A.weight`, [RANK, HIDDEN]] as const,
    [`${layer}.lora_B.weight`, [HIDDEN, RANK]] as const,
  ]);
  writeFileSync(join(directory, "adapter_model.safetensors"), safetensors(shapes));
}

/** https://huggingface.co/docs/safetensors: the header's length in 8 octets, little endian; the header, JSON, padded with spaces to a multiple
 *  of 8; the tensors one after the other. */
function safetensors(tensors: readonly (readonly [name: string, shape: readonly [number, number]])[]): Buffer {
  let end = 0;
  const entries = tensors.map(([name, shape]) => {
    const start = end;
    end += shape[0] * shape[1] * BF16_OCTETS;
    return [name, { dtype: "BF16", shape, data_offsets: [start, end] }] as const;
  });
  const json = JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) });
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, randomFillSync(Buffer.alloc(end))]);
}
