import { describe, expect, it } from "vitest";
import { type Import, readImports } from "./imports.ts";
import { findViolations } from "./rules.ts";

const root = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
const entry = (file: string, specifier: string): Import => ({
  file,
  specifier,
  from: file.split("/").slice(0, 2).join("/"),
  isTest: file.endsWith(".test.ts"),
});

describe("who may import whom", () => {
  it("holds everywhere", () => {
    const imports = readImports(root);
    expect(imports.length).toBeGreaterThan(100);
    expect(findViolations(imports)).toEqual([]);
  });

  it.each([
    ["services/ca/src/grpc.ts", "@grpc/grpc-js"],
    ["services/ca/src/store.ts", "better-sqlite3"],
    ["services/ca/src/service.ts", "@vcc-pki/hsm-gateway"],
    ["services/ca/src/issue.ts", "@vcc-pki/testkit/clock"],
    ["services/ca/src/checks.ts", "@vcc-pki/store"],
    ["libs/x509/src/certificate.ts", "node:fs"],
    ["libs/errors/src/pki-error.ts", "@vcc-pki/time"],
    ["libs/store/src/open.ts", "@vcc-pki/rpc"],
    ["libs/x509/src/name.ts", "../../errors/src/index.ts"],
  ])("would catch %s importing %s", (file, specifier) => {
    expect(findViolations([entry(file, specifier)])).toHaveLength(1);
  });

  it.each([
    ["services/ca/src/issue.ts", "@vcc-pki/x509"],
    ["services/ca/src/issue.test.ts", "@vcc-pki/testkit/clock"],
    ["tools/ceremony/src/run.ts", "@vcc-pki/ca"],
    ["libs/store/src/audit.ts", "@vcc-pki/telemetry"],
  ])("lets %s import %s", (file, specifier) => {
    expect(findViolations([entry(file, specifier)])).toEqual([]);
  });
});
