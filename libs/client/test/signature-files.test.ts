import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readSignature } from "../src/signature-files.ts";
import { newScratch } from "./scratch.ts";

const refusal = (code: string) => expect.objectContaining({ code });
const octets = (text: string) => Buffer.from(text);

describe("what vouches for a directory", () => {
  it("is a manifest and its signature", () => {
    const { directory, file } = newScratch();
    file("SHA256SUMS", "list");
    file("SHA256SUMS.p7s", "cms");
    const { material, byName } = readSignature(directory, true);
    expect(material).toEqual({ format: "manifest", manifest: octets("list"), cms: octets("cms") });
    expect([...byName.keys()]).toEqual(["SHA256SUMS", "SHA256SUMS.p7s"]);
  });

  it("is a bundle, where it is named also one from elsewhere", () => {
    const { directory, file } = newScratch();
    file("model.sig", "{}");
    expect(readSignature(directory, true).material).toEqual({ format: "bundle", bundle: octets("{}") });
    const elsewhere = newScratch().file("other.sig", "{1}");
    expect(readSignature(directory, true, elsewhere).material).toEqual({ format: "bundle", bundle: octets("{1}") });
  });

  it("must be told where there are two", () => {
    const { directory, file, at } = newScratch();
    for (const name of ["SHA256SUMS", "SHA256SUMS.p7s", "model.sig"]) file(name, name);
    expect(() => readSignature(directory, true)).toThrow(refusal("AMBIGUOUS"));
    expect(readSignature(directory, true, at("model.sig")).material.format).toBe("bundle");
    expect(readSignature(directory, true, at("SHA256SUMS.p7s")).material.format).toBe("manifest");
  });

  it("is missed when it is not there, or not whole", () => {
    const { directory, file, at } = newScratch();
    expect(() => readSignature(directory, true)).toThrow(refusal("NOT_FOUND"));
    file("SHA256SUMS", "list");
    expect(() => readSignature(directory, true)).toThrow(refusal("NOT_FOUND"));
    expect(() => readSignature(directory, true, at("other.sig"))).toThrow(refusal("NOT_FOUND"));
  });

  it("is refused when it is too large, or no file; a FIFO is not waited for", () => {
    const large = newScratch();
    large.file("SHA256SUMS", "list");
    truncateSync(large.file("SHA256SUMS.p7s", ""), 1024 * 1024 + 1);
    expect(() => readSignature(large.directory, true)).toThrow(refusal("REQUEST_TOO_LARGE"));
    const directory = newScratch();
    mkdirSync(directory.at("model.sig"));
    expect(() => readSignature(directory.directory, true)).toThrow(refusal("FILE_NOT_REGULAR"));
    const fifo = newScratch();
    execFileSync("mkfifo", [fifo.at("model.sig")]);
    expect(() => readSignature(fifo.directory, true)).toThrow(refusal("FILE_NOT_REGULAR"));
  });
});

describe("what vouches for a file", () => {
  it.each([
    [".p7s", { format: "cms", cms: octets("x") }],
    [".sigstore.json", { format: "bundle", bundle: octets("x") }],
  ])("lies beside it, as %s", (ending, material) => {
    const { file, at } = newScratch();
    file(`a.whl${ending}`, "x");
    expect(readSignature(at("a.whl"), false)).toEqual({ material, byName: new Map([[`a.whl${ending}`, octets("x")]]) });
  });

  it("must be told where there are two, and is missed where there is none", () => {
    const { file, at } = newScratch();
    expect(() => readSignature(at("a.whl"), false)).toThrow(refusal("NOT_FOUND"));
    file("a.whl.p7s", "x");
    file("a.whl.sigstore.json", "x");
    expect(() => readSignature(at("a.whl"), false)).toThrow(refusal("AMBIGUOUS"));
    expect(readSignature(at("a.whl"), false, at("a.whl.p7s")).material.format).toBe("cms");
  });

  it("may be a manifest of this one file, in its directory", () => {
    const { file, at } = newScratch();
    file("a.whl", "wheel");
    file("SHA256SUMS", "list");
    file("SHA256SUMS.p7s", "cms");
    expect(readSignature(at("a.whl"), false).material.format).toBe("manifest");
    expect(readSignature(at("a.whl"), false, at("SHA256SUMS")).material.format).toBe("manifest");
  });
});
