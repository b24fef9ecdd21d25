import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { observeArtefact } from "../src/observe-artefact.ts";
import { newScratch, octetsOf, sha256Hex } from "./scratch.ts";

const options = { clock: systemClock, remember: false } as const;

function newSigned() {
  const scratch = newScratch();
  const content = octetsOf(30 * 1024 * 1024);
  scratch.file("model/SHA256SUMS", "list");
  scratch.file("model/SHA256SUMS.p7s", "cms");
  scratch.file("model/weights/a.safetensors", content);
  scratch.file("model/config.json", "{}");
  return { ...scratch, content };
}

describe("an artefact that is observed", () => {
  it("is every file but those that vouch for it", async () => {
    const { at, content } = newSigned();
    const { files, signature, isDirectory, copy } = await observeArtefact(at("model"), options);
    expect([isDirectory, copy, signature.material.format]).toEqual([true, undefined, "manifest"]);
    expect(new Map(files.map(({ path, ranges }) => [path, ranges[0]?.sha256Hex]))).toEqual(
      new Map([
        ["weights/a.safetensors", sha256Hex(content)],
        ["config.json", sha256Hex("{}")],
      ]),
    );
  });

  it("is copied as it is hashed, with what vouches for it and nothing else", async () => {
    const { at, content, file } = newSigned();
    file("model/model.sig", "not used");
    const signatureFile = at("model/SHA256SUMS.p7s");
    const { copy } = await observeArtefact(at("model"), { ...options, copyTo: at("copy"), signatureFile });
    expect(existsSync(at("copy"))).toBe(false);
    copy?.commit();
    expect(readdirSync(at("copy")).sort()).toEqual(["SHA256SUMS", "SHA256SUMS.p7s", "config.json", "weights"]);
    expect(Buffer.compare(readFileSync(at("copy/weights/a.safetensors")), content)).toBe(0);
  });

  it("leaves no copy when it cannot be hashed", async () => {
    const { at, directory, file } = newSigned();
    for (let index = 0; index < 4; index++) file(`model/f${index}`, octetsOf(16 * 1024 * 1024));
    const controller = new AbortController();
    const copying = observeArtefact(at("model"), { ...options, copyTo: at("copy"), signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(copying).rejects.toThrow("enough");
    expect(readdirSync(directory)).toEqual(["model"]);
  });

  it("is refused before anything is copied when it holds what is no file", async () => {
    const { at, directory } = newSigned();
    symlinkSync("/etc/passwd", at("model/passwd"));
    const refused = observeArtefact(at("model"), { ...options, copyTo: at("copy") });
    await expect(refused).rejects.toMatchObject({ code: "FILE_NOT_REGULAR" });
    expect(readdirSync(directory)).toEqual(["model"]);
  });

  it("may be one file, with its signature beside it", async () => {
    const { at, file } = newScratch();
    file("a.whl", "wheel");
    file("a.whl.p7s", "cms");
    const { files, copy } = await observeArtefact(at("a.whl"), { ...options, copyTo: at("copy"), keep: true });
    copy?.commit();
    expect(files).toMatchObject([{ path: "a.whl", ranges: [{ sha256Hex: sha256Hex("wheel") }] }]);
    expect(Buffer.from(files[0]?.octets ?? []).toString()).toBe("wheel");
    expect(readdirSync(at("copy")).sort()).toEqual(["a.whl", "a.whl.p7s"]);
  });

  it("is not found where there is nothing, or nothing that vouches for it", async () => {
    const { at } = newScratch();
    await expect(observeArtefact(at("missing"), options)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    mkdirSync(at("empty"));
    await expect(observeArtefact(at("empty"), options)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
