import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readScript } from "./script.ts";

const SCRIPTS = new URL("../../../deploy/ceremony/", import.meta.url).pathname;
const invalid = expect.objectContaining({ code: "CONFIG_INVALID" });

function readText(text: string) {
  const file = join(mkdtempSync(join(tmpdir(), "pki-script-")), "script.yaml");
  writeFileSync(file, text);
  return readScript(file);
}

describe("ceremony scripts", () => {
  it.each(["development.yaml", "production.yaml"])("%s is valid", (name) => {
    expect(readScript(join(SCRIPTS, name)).steps.length).toBe(10);
  });

  it("makes the same hierarchy in development and in production", () => {
    const hierarchy = (name: string) =>
      readScript(join(SCRIPTS, name))
        .steps.filter(({ step }) => /authorities|crls|organisation|trust|platform/.test(step))
        .map((step) => ({ ...step, ahead: undefined })); // lists for years are for production
    expect(hierarchy("development.yaml")).toEqual(hierarchy("production.yaml"));
  });

  it("signs the root's lists ahead in production", () => {
    const { steps } = readScript(join(SCRIPTS, "production.yaml"));
    expect(steps.find(({ step }) => step === "publish-crls")).toMatchObject({ ahead: 6 });
  });

  const production = readFileSync(join(SCRIPTS, "production.yaml"), "utf8");
  it.each([
    ["a key that is not known", `${production}\nnotes: none\n`],
    ["a step that is not known", production.replace("use-token", "borrow-token")],
    ["a new token in production", production.replace("use-token", "create-token")],
    ["a custodian's key made in production", production.replace(", publicKey: custodian-2.pem", "")],
    ["an administrator's key made in production", production.replace("csr: operator.csr.pem", "")],
    ["a custodian who is the one that asks", production.replace("person: custodian-2", "person: operator")],
    ["a life that is not a duration", production.replace("validity: 20y", "validity: long")],
    ["more lists than are signed ahead", production.replace("ahead: 6", "ahead: 25")],
    ["no steps", `${production.split("steps:")[0]}steps: []`],
    ["what is not YAML", "steps: [unclosed"],
  ])("refuses %s", (_what, text) => {
    expect(() => readText(text)).toThrow(invalid);
  });

  it("refuses a file that is not there", () => expect(() => readScript("/nowhere/script.yaml")).toThrow(invalid));
});
