import { PkiError } from "@vcc-pki/errors";
import type { HashedOctets } from "./hashed-octets.ts";
import { readSafetensors, type SafetensorsHeader } from "./safetensors.ts";

/** A PEFT adapter directory. */
export interface Adapter {
  readonly config: AdapterConfig;
  /** By the path of each safetensors file; one at the least. */
  readonly weights: ReadonlyMap<string, SafetensorsHeader>;
}

export interface AdapterConfig {
  /** "LORA" and others. */
  readonly peftType: string;
  /** A name or a path: what PEFT would load it onto. The base model's digest, which is proven, stands in what is signed. */
  readonly baseModel: string | undefined;
  /** As PEFT wrote it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

const CONFIG = "adapter_config.json";
const MAX_CONFIG_OCTETS = 1024 * 1024;
const WEIGHTS = /\.safetensors$/;

/** Looks at what a loader is about to believe: that the configuration is JSON with a kind of adapter, names no code of its own (`auto_mapping`), and that
 *  each safetensors file is whole. Throws FILE_MALFORMED, whose details name the file. */
export function readAdapter(files: readonly HashedOctets[]): Adapter {
  const configFile = files.find(({ path }) => path === CONFIG);
  if (configFile === undefined) throw malformed(CONFIG, "there is none");
  const config = parseConfig(configFile);
  const weights = new Map(
    files.filter(({ path }) => WEIGHTS.test(path)).map((file) => [file.path, readWeights(file)] as const),
  );
  if (weights.size === 0) throw malformed("*.safetensors", "there is none");
  return { config, weights };
}

function parseConfig({ size, readAt }: HashedOctets): AdapterConfig {
  if (size > MAX_CONFIG_OCTETS) throw malformed(CONFIG, "it is too large");
  const octets = readAt(0, size);
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets));
  } catch (cause) {
    throw malformed(CONFIG, "it is no JSON", cause);
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw malformed(CONFIG, "it is no JSON object");
  const {
    peft_type: peftType,
    base_model_name_or_path: baseModel,
    auto_mapping: autoMapping,
  } = raw as Record<string, unknown>;
  if (typeof peftType !== "string") throw malformed(CONFIG, "peft_type is missing");
  if (baseModel !== undefined && baseModel !== null && typeof baseModel !== "string") {
    throw malformed(CONFIG, "base_model_name_or_path is no text");
  }
  if (autoMapping !== undefined && autoMapping !== null)
    throw malformed(CONFIG, "auto_mapping names a class to be imported");
  return { peftType, baseModel: baseModel ?? undefined, raw: raw as Record<string, unknown> };
}

/** Throws FILE_MALFORMED, whose details name the file, and FILE_CHANGED. */
export function readWeights({ path, size, readAt }: HashedOctets): SafetensorsHeader {
  try {
    return readSafetensors(size, readAt);
  } catch (error) {
    const isMalformed = error instanceof PkiError && error.code === "FILE_MALFORMED"; // and did not change meanwhile
    throw isMalformed ? malformed(path, error.message, error) : error;
  }
}

const malformed = (file: string, reason: string, cause?: unknown): PkiError =>
  new PkiError("FILE_MALFORMED", `${file}: ${reason}`, { cause, details: { file } });
