import { describe, expect, it } from "vitest";
import { adapterConfig, loraWeights } from "../../test/model-files.ts";
import { readAdapter } from "./adapter.ts";
import type { HashedOctets } from "./hashed-octets.ts";

const file = (path: string, content: string | Uint8Array): HashedOctets => {
  const octets = Buffer.from(content);
  return { path, size: octets.length, readAt: (start, end) => octets.subarray(start, end) };
};
const config = (content: string | Uint8Array = adapterConfig()) => file("adapter_config.json", content);
const weights = (content: Uint8Array = loraWeights()) => file("adapter_model.safetensors", content);
const refusal = (name: string) =>
  expect.objectContaining({ code: "FILE_MALFORMED", details: expect.objectContaining({ file: name }) });

describe("a PEFT adapter", () => {
  it("says what it is for and what tensors it has", () => {
    const adapter = readAdapter([config(), weights(), file("README.md", "")]);
    expect(adapter.config).toMatchObject({ peftType: "LORA", baseModel: "vcc/base", raw: { r: 4 } });
    expect([...adapter.weights].map(([path, { tensors }]) => [path, tensors.length])).toEqual([
      ["adapter_model.safetensors", 2],
    ]);
  });

  it.each<[string, string, HashedOctets[]]>([
    ["no configuration", "adapter_config.json", [weights()]],
    [
      "its configuration below the root",
      "adapter_config.json",
      [file("x/adapter_config.json", adapterConfig()), weights()],
    ],
    ["a configuration that is no JSON", "adapter_config.json", [config("{"), weights()]],
    ["a configuration that is not UTF-8", "adapter_config.json", [config(Buffer.from([0xff])), weights()]],
    ["a list for a configuration", "adapter_config.json", [config("[]"), weights()]],
    ["a configuration beyond all size", "adapter_config.json", [config(" ".repeat(1024 * 1024 + 1)), weights()]],
    ["no kind", "adapter_config.json", [config(adapterConfig({ peft_type: undefined })), weights()]],
    [
      "a class to import",
      "adapter_config.json",
      [config(adapterConfig({ auto_mapping: { base_model_class: "X" } })), weights()],
    ],
    [
      "a number for a base model",
      "adapter_config.json",
      [config(adapterConfig({ base_model_name_or_path: 1 })), weights()],
    ],
    ["no weights", "*.safetensors", [config(), file("adapter_model.bin", "")]],
    ["weights cut short", "adapter_model.safetensors", [config(), weights(loraWeights().subarray(0, -1))]],
  ])("with %s is refused", (_, name, files) => expect(() => readAdapter(files)).toThrow(refusal(name)));
});
