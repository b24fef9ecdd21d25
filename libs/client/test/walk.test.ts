import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { walkTree } from "../src/index.ts";
import { newScratch } from "./scratch.ts";

const refusal = (code: string, details?: Record<string, string>) =>
  expect.objectContaining({ code, ...(details && { details: expect.objectContaining(details) }) });

describe("the walk through an artefact", () => {
  it("finds every regular file, hidden ones too, by its path below the root", () => {
    const { directory, file } = newScratch();
    for (const path of ["b", "a/c", "a/.hidden", ".git/hooks/post-checkout", "a/b/ä"]) file(path, path);
    const { files, isDirectory } = walkTree(directory);
    expect(isDirectory).toBe(true);
    expect(files.map(({ path }) => path).sort()).toEqual([
      ".git/hooks/post-checkout",
      "a/.hidden",
      "a/b/ä",
      "a/c",
      "b",
    ]);
    expect(files.find(({ path }) => path === "a/c")?.size).toBe(3);
  });

  it("leaves out what is named, in the root alone", () => {
    const { directory, file } = newScratch();
    file("SHA256SUMS", "");
    file("a/SHA256SUMS", "");
    expect(walkTree(directory, new Set(["SHA256SUMS"])).files.map(({ path }) => path)).toEqual(["a/SHA256SUMS"]);
  });

  it("takes one file for an artefact, and a symbolic link for what it names", () => {
    const { file, at } = newScratch();
    const location = file("a.whl", "wheel");
    symlinkSync("a.whl", at("link"));
    expect(walkTree(location)).toMatchObject({ isDirectory: false, files: [{ path: "a.whl", size: 5 }] });
    expect(walkTree(at("link"))).toMatchObject({ root: location, files: [{ path: "a.whl" }] });
  });

  it("refuses symbolic links, to files, to directories and to nothing", () => {
    for (const target of ["file", "directory", "nothing", "/etc/passwd", "."]) {
      const { directory, file, at } = newScratch();
      file("file", "");
      mkdirSync(at("directory"));
      symlinkSync(target, at("link"));
      expect(() => walkTree(directory), target).toThrow(
        refusal("FILE_NOT_REGULAR", { file: "link", kind: "symbolic link" }),
      );
    }
  });

  it("refuses FIFOs, sockets and devices, and does not wait for them", async () => {
    const fifo = newScratch();
    execFileSync("mkfifo", [fifo.at("fifo")]);
    expect(() => walkTree(fifo.directory)).toThrow(refusal("FILE_NOT_REGULAR", { kind: "FIFO" }));

    const socket = newScratch();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket.at("socket"), resolve));
    expect(() => walkTree(socket.directory)).toThrow(refusal("FILE_NOT_REGULAR", { kind: "socket" }));
    await new Promise((resolve) => server.close(resolve));

    expect(() => walkTree("/dev/null")).toThrow(refusal("FILE_NOT_REGULAR", { kind: "device" }));
  });

  it("refuses a name that is not UTF-8", () => {
    const { directory } = newScratch();
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/a`), Buffer.from([0xff, 0xfe])]), "");
    expect(() => walkTree(directory)).toThrow(refusal("NAME_MALFORMED", { name: "61fffe" }));
  });

  it("says which place it cannot read", () => {
    const { at } = newScratch();
    expect(() => walkTree(at("missing"))).toThrow(refusal("FILE_UNREADABLE", { file: at("missing") }));
  });
});
