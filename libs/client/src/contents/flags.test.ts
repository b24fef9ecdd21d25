import { describe, expect, it } from "vitest";
import type { HashedFile } from "../hashing/hash-tree.ts";
import { flagFiles } from "./flags.ts";

const file = (path: string, isPickle = false) =>
  ({ path, ranges: [{ start: 0, end: 1, sha256Hex: "", isPickle }] }) as unknown as HashedFile;
const flagsOf = (...files: HashedFile[]) => flagFiles(files).map(({ flag }) => flag);

describe("files of a model that may run", () => {
  it.each(["a.pkl", "a.pt", "d/a.PTH", "a.ckpt", "a.joblib", "pytorch_model-00001-of-2.bin", "adapter_model.bin"])(
    "%s is called as pickles are",
    (path) => expect(flagsOf(file(path))).toEqual(["pickle-name"]),
  );

  it("are pickles whatever they are called", () =>
    expect(flagsOf(file("model.safetensors", true))).toEqual(["pickle"]));

  it.each(["modeling_custom.py", "a.pyc", "lib.so"])("%s is code", (path) =>
    expect(flagsOf(file(path))).toEqual(["code"]),
  );

  it.each(["model.safetensors", "config.json", "tokenizer.bin.json", "vocab.bin", "README.md"])(
    "%s is neither",
    (path) => expect(flagsOf(file(path))).toEqual([]),
  );
});
