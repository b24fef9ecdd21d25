import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readDirectorySignature, readFileSignature } from "../src/signature-files.ts";
import { newScratch } from "./scratch.ts";

const refusal = (code: string) => expect.objectContaining({ code });
const octets = (text: string) => Buffer.from(text);

describe("what vouches for a directory", () => {
  it("is a manifest and its signature", () => {
    const { directory, file } = newScratch();
    file("SHA256SUMS", "list");
    file("SHA256SUMS.p7s", "cms");
    const { files, byName } = readDirectorySignature(directory);
    expect(files).toEqual({ format: "manifest", manifest: octets("list"), cms: octets("cms") });
    expect([...byName.keys()]).toEqual(["SHA256SUMS", "SHA256SUMS.p7s"]);
  });

  it("is a bundle, where it is named also one from elsewhere", () => {
    const { directory, file } = newScratch();
    file("model.sig", "{}");
    expect(readDirectorySignature(directory).files).toEqual({ format: "bundle", json: octets("{}") });
    const elsewhere = newScratch().file("other.sig", "{1}");
    expect(readDirectorySignature(directory, elsewhere).files).toEqual({ format: "bundle", json: octets("{1}") });
  });

  it("must be told where there are two", () => {
    const { directory, file, at } = newScratch();
    for (const name of ["SHA256SUMS", "SHA256SUMS.p7s", "model.sig"]) file(name, name);
    expect(() => readDirectorySignature(directory)).toThrow(refusal("AMBIGUOUS"));
    expect(readDirectorySignature(directory, at("model.sig")).files.format).toBe("bundle");
    expect(readDirectorySignature(directory, at("SHA256SUMS.p7s")).files.format).toBe("manifest");
  });

  it("is missed when it is not there, or not whole", () => {
    const { directory, file, at } = newScratch();
    expect(() => readDirectorySignature(directory)).toThrow(refusal("NOT_FOUND"));
    file("SHA256SUMS", "list");
    expect(() => readDirectorySignature(directory)).toThrow(refusal("NOT_FOUND"));
    expect(() => readDirectorySignature(directory, at("other.sig"))).toThrow(refusal("NOT_FOUND"));
  });

  it("is refused when it is too large, or no file; a FIFO is not waited for", () => {
    const large = newScratch();
    large.file("SHA256SUMS", "list");
    truncateSync(large.file("SHA256SUMS.p7s", ""), 1024 * 1024 + 1);
    expect(() => readDirectorySignature(large.directory)).toThrow(refusal("REQUEST_TOO_LARGE"));
    const directory = newScratch();
    mkdirSync(directory.at("model.sig"));
    expect(() => readDirectorySignature(directory.directory)).toThrow(refusal("FILE_NOT_REGULAR"));
    const fifo = newScratch();
    execFileSync("mkfifo", [fifo.at("model.sig")]);
    expect(() => readDirectorySignature(fifo.directory)).toThrow(refusal("FILE_NOT_REGULAR"));
  });
});

describe("what vouches for a file", () => {
  it.each([
    [".p7s", { format: "cms", cms: octets("x") }],
    [".sigstore.json", { format: "bundle", json: octets("x") }],
    [".publish.attestation", { format: "attestation", json: octets("x") }],
  ])("lies beside it, as %s", (ending, files) => {
    const { file, at } = newScratch();
    file(`a.whl${ending}`, "x");
    expect(readFileSignature(at("a.whl"))).toEqual({ files, byName: new Map([[`a.whl${ending}`, octets("x")]]) });
  });

  it("must be told where there are two, and is missed where there is none", () => {
    const { file, at } = newScratch();
    expect(() => readFileSignature(at("a.whl"))).toThrow(refusal("NOT_FOUND"));
    file("a.whl.p7s", "x");
    file("a.whl.sigstore.json", "x");
    expect(() => readFileSignature(at("a.whl"))).toThrow(refusal("AMBIGUOUS"));
    expect(readFileSignature(at("a.whl"), at("a.whl.p7s")).files.format).toBe("cms");
  });
});
