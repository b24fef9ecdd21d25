import { writeFileSync } from "node:fs";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Suite, startSuite } from "./suite.ts";

const OFFSET = 14_500;
const TIME = `http://127.0.0.1:${8082 + OFFSET}/tsa`;
const TYPE = "Content-Type: application/timestamp-query";

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite(OFFSET);
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

/** The README's commands, with other files. */
async function stampAndVerify(name: string): Promise<string> {
  const [data, query, response] = ["txt", "tsq", "tsr"].map((kind) => suite.file(`${name}.${kind}`)) as [
    string,
    string,
    string,
  ];
  writeFileSync(data, name);
  await execa("openssl", ["ts", "-query", "-data", data, "-cert", "-out", query]);
  await execa("curl", ["-s", "-H", TYPE, "--data-binary", `@${query}`, TIME, "-o", response]);
  const files = ["-queryfile", query, "-in", response, "-CAfile", `${suite.home}/trust/root.pem`];
  const { stdout, stderr } = await execa("openssl", ["ts", "-verify", ...files], { reject: false });
  return stdout.includes("Verification: OK") ? "OK" : stderr;
}

describe("a time stamp", () => {
  it("of a suite that has just come up is believed by openssl under its root", async () => {
    expect(await stampAndVerify("first")).toBe("OK");
    expect(suite.firstStart).toContain(TIME);
  });

  it("is made again after the tsa and the hsm-gateway were killed", async () => {
    for (const name of ["tsa", "hsm-gateway"]) {
      const { pid = 0 } = (await suite.processes()).find((process) => process.name === name) ?? {};
      process.kill(pid, "SIGKILL");
      await eventually(async () => expect(await stampAndVerify(`after-${name}`)).toBe("OK"));
    }
  });
});
