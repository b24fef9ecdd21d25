import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { beginsAsPickle } from "./pickle.ts";

/** What Python writes, so that it is no opinion of ours. */
const python = (script: string): Buffer =>
  execFileSync("python3", ["-c", `import sys, pickle, zipfile, io\n${script}`]);

describe("a file that begins as a pickle", () => {
  it.each([2, 3, 4, 5])("is one of protocol %d", (protocol) => {
    expect(beginsAsPickle(python(`sys.stdout.buffer.write(pickle.dumps({"a": [1]}, ${protocol}))`))).toBe(true);
  });

  it("is a ZIP archive whose first member is one, as torch.save writes", () => {
    const archive = (name: string) =>
      python(
        `b = io.BytesIO()\nwith zipfile.ZipFile(b, "w") as z: z.writestr("${name}", b"x")\nsys.stdout.buffer.write(b.getvalue())`,
      );
    expect(beginsAsPickle(archive("archive/data.pkl"))).toBe(true);
    expect(beginsAsPickle(archive("package/__init__.py"))).toBe(false);
  });

  it("is no safetensors file, no text, and not something cut short", () => {
    expect(beginsAsPickle(Buffer.from("\x40\0\0\0\0\0\0\0{}"))).toBe(false);
    expect(beginsAsPickle(Buffer.from("hello"))).toBe(false);
    expect(beginsAsPickle(Buffer.from([0x80, 6]))).toBe(false);
    expect(beginsAsPickle(Buffer.from([0x50, 0x4b, 3, 4]))).toBe(false);
    expect(beginsAsPickle(new Uint8Array())).toBe(false);
  });
});
