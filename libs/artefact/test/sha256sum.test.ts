import { execFileSync, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { artefactDigest, buildManifest, canonicalResources, MANIFEST_FILE } from "../src/index.ts";
import { ADAPTER, ADAPTER_FILES, resourcesOf } from "./adapter.ts";

const FILES = { ...ADAPTER_FILES, "a\nb": "1", "c\\d": "2", "e\rf": "3", "#x": "4", " y": "5", "\u{1f600}": "6" };
const resources = canonicalResources(resourcesOf(FILES));
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "artefact-"));
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, "files", path)), { recursive: true });
    writeFileSync(join(root, "files", path), content);
  }
});
afterAll(() => rmSync(root, { recursive: true }));

const check = (manifest: Uint8Array) =>
  spawnSync("sha256sum", ["--check", "--strict"], { cwd: join(root, "files"), input: manifest, encoding: "utf8" });

describe(`GNU sha256sum and ${MANIFEST_FILE}`, () => {
  it("checks every file by it, without a warning", () => {
    const { status, stdout, stderr } = check(buildManifest({ ...ADAPTER, resources }));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.match(/: OK$/gm)).toHaveLength(resources.length);
  });

  it("finds a changed file, and one that is not there", () => {
    const changed = resources.map((resource, i) =>
      i === 2 ? { ...resource, sha256Hex: hash("sha256", "x") } : resource,
    );
    expect(check(buildManifest({ ...ADAPTER, resources: changed })).status).toBe(1);
    const missing = [...resources, { path: "not there", sha256Hex: hash("sha256", "") }];
    expect(check(buildManifest({ ...ADAPTER, resources: missing })).status).toBe(1);
  });

  it("prints what a directory's digest is of", () => {
    const command = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum -b -- | sha256sum";
    const printed = execFileSync("sh", ["-c", command], { cwd: join(root, "files"), encoding: "utf8" });
    expect(`sha256:${printed.slice(0, 64)}`).toBe(artefactDigest("directory", resources));
  });
});
