import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
const read = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));
const packages = globSync("{proto,libs/*,services/*,tools/*}/package.json", { cwd: root }).map((path) => ({
  directory: dirname(path),
  manifest: read(path) as {
    name: string;
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
  },
}));
const directoryOf = new Map(packages.map(({ directory, manifest }) => [manifest.name, directory]));

describe("workspace", () => {
  it.each(packages)("$directory: project references are its workspace dependencies", ({ directory, manifest }) => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter((name) => directoryOf.has(name))
      .map((name) => relative(directory, directoryOf.get(name) ?? ""));
    const references = read(`${directory}/tsconfig.json`).references.map(
      (reference: { path: string }) => reference.path,
    );
    expect(references.sort()).toEqual(declared.sort());
  });

  it.each(packages)("$directory: third-party versions are exact", ({ manifest }) => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    for (const version of versions) expect(version).toMatch(/^(workspace:\*|npm:.+@\d+\.\d+\.\d+|\d+\.\d+\.\d+)$/);
  });

  it("the root project names every package", () => {
    const references = read("tsconfig.json").references.map((reference: { path: string }) => reference.path);
    expect(references.sort()).toEqual(packages.map(({ directory }) => directory).sort());
  });
});
