import { describe, expect, it } from "vitest";
import { loraWeights, rawSafetensors, safetensorsOf } from "../../test/model-files.ts";
import { readSafetensors } from "./safetensors.ts";

const read = (file: Uint8Array) => readSafetensors(file.length, (start, end) => file.subarray(start, end));
const refusal = expect.objectContaining({ code: "FILE_MALFORMED" });
const four = new Uint8Array(4);
const tensor = (changes: Record<string, unknown> = {}) => ({
  t: { dtype: "F32", shape: [1], data_offsets: [0, 4], ...changes },
});

describe("a safetensors file", () => {
  it("says what tensors it has, and where", () => {
    const file = loraWeights();
    const { tensors, metadata } = read(file);
    expect(metadata).toEqual({ format: "pt" });
    expect(tensors.map(({ dtype, shape, start, end }) => [dtype, shape, end - start])).toEqual([
      ["F32", [4, 16], 256],
      ["F32", [8, 4], 128],
    ]);
    expect(tensors.at(-1)?.end).toBe(file.length);
  });

  it("may hold nothing, scalars, empty tensors, and elements smaller than an octet", () => {
    expect(read(safetensorsOf({}, new Uint8Array())).tensors).toEqual([]);
    expect(read(safetensorsOf(tensor({ shape: [] }), four)).tensors).toHaveLength(1);
    const empty = { dtype: "F16", shape: [0, 5], data_offsets: [0, 0] };
    expect(read(safetensorsOf({ ...tensor(), empty }, four)).tensors).toHaveLength(2);
    expect(read(safetensorsOf(tensor({ dtype: "F4", shape: [8] }), four)).tensors).toHaveLength(1);
  });

  it.each<[string, Uint8Array]>([
    ["shorter than its length", new Uint8Array(7)],
    ["with a header longer than the file", rawSafetensors(Buffer.from("{}"), four, 1_000n)],
    ["with a header beyond the limit", rawSafetensors(Buffer.from("{}"), four, 100_000_001n)],
    ["with a header of 2^64 - 1 octets", rawSafetensors(Buffer.from("{}"), four, 2n ** 64n - 1n)],
    ["without a header", rawSafetensors(new Uint8Array(), new Uint8Array())],
    ["with a list for a header", rawSafetensors(Buffer.from("[]"), new Uint8Array())],
    ["with a header that begins with a space", rawSafetensors(Buffer.from(" {}"), new Uint8Array())],
    ["with a header that is not UTF-8", rawSafetensors(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), four)],
    ["with a header that is no JSON", rawSafetensors(Buffer.from("{t:1}"), four)],
    ["with octets that no tensor has", safetensorsOf(tensor(), new Uint8Array(5))],
    ["cut short", safetensorsOf(tensor(), new Uint8Array(3))],
    ["with a gap before the first", safetensorsOf(tensor({ data_offsets: [4, 8] }), new Uint8Array(8))],
    ["with tensors that overlap", safetensorsOf({ ...tensor(), u: tensor().t }, four)],
    ["with an unknown type", safetensorsOf(tensor({ dtype: "OBJECT" }), four)],
    ["with a type that is a property of every object", safetensorsOf(tensor({ dtype: "constructor" }), four)],
    ["with a shape that needs more", safetensorsOf(tensor({ shape: [2] }), four)],
    ["with a shape beyond all memory", safetensorsOf(tensor({ shape: [2 ** 50, 2 ** 50] }), four)],
    ["with a negative dimension", safetensorsOf(tensor({ shape: [-1, -1] }), four)],
    ["with a fraction of a dimension", safetensorsOf(tensor({ shape: [0.5, 2] }), four)],
    ["with an offset that is a text", safetensorsOf(tensor({ data_offsets: ["0", 4] }), four)],
    ["with three offsets", safetensorsOf(tensor({ data_offsets: [0, 2, 4] }), four)],
    ["with offsets the wrong way round", safetensorsOf(tensor({ data_offsets: [4, 0] }), four)],
    ["with a key that the format does not have", safetensorsOf(tensor({ offset: 0 }), four)],
    ["with a tensor that is nothing", safetensorsOf({ t: null }, new Uint8Array())],
    ["with metadata that are no texts", safetensorsOf({ __metadata__: { a: 1 } }, new Uint8Array())],
  ])("%s is refused", (_, file) => expect(() => read(file)).toThrow(refusal));

  it("is refused wherever its header is cut", () => {
    const file = loraWeights();
    for (let length = 0; length < file.length; length++) {
      expect(() => read(file.subarray(0, length)), `${length}`).toThrow(refusal);
    }
  });
});
