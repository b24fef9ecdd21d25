import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 * 1024;
/** A file's octets are these again and again: no hash is the faster for it, and no disk compresses them. */
const block = randomFillSync(new Uint8Array(MIB));

/** A PEFT adapter of 1 GiB in four safetensors files, as a large one is stored. */
export function makeAdapter(directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "adapter_config.json"),
    JSON.stringify({ peft_type: "LORA", base_model_name_or_path: "bench/base", r: 16 }),
  );
  for (let part = 1; part <= 4; part++) {
    makeSafetensors(join(directory, `adapter_model-0000${part}-of-00004.safetensors`), 256);
  }
}

/** The same 1 GiB in one file. */
export function makeLargeFile(directory: string): void {
  mkdirSync(directory, { recursive: true });
  makeSafetensors(join(directory, "model.safetensors"), 1024);
}

/** 8 octets of length, the header, one tensor of so many MiB. */
function makeSafetensors(file: string, mebibytes: number): void {
  const octets = mebibytes * MIB;
  const header = JSON.stringify({ weight: { dtype: "U8", shape: [octets], data_offsets: [0, octets] } });
  const padded = Buffer.from(header.padEnd((header.length + 7) & ~7));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const target = openSync(file, "wx");
  writeSync(target, Buffer.concat([length, padded]));
  for (let written = 0; written < mebibytes; written++) writeSync(target, block);
  closeSync(target);
}

const SMALL_OCTETS = 4096;

/** 10,000 files of 4 KiB in a hundred directories, no two alike. */
export function makeSmallFiles(directory: string): void {
  for (let index = 0; index < 10_000; index++) {
    const below = join(directory, `d${index % 100}`);
    if (index < 100) mkdirSync(below, { recursive: true });
    const content = Buffer.from(block.subarray(index, index + SMALL_OCTETS));
    content.writeUInt32LE(index);
    writeFileSync(join(below, `f${index}`), content);
  }
}
