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

  it("is found in the log, and verified by the REST door", async () => {
    await stampAndVerify("found");
    const file = suite.file("found.txt");
    const { tokens } = await suite.json("tsa", "find", file);
    expect(tokens).toMatchObject([{ unit: "test", test: true, token: expect.any(String) }]);
    const ask = (document: string) => suite.rest("POST", "/api/v1/tsa/verify", { token: tokens[0].token, document });
    expect((await ask("found")).body).toMatchObject({ ok: true, serial_number: tokens[0].serial_number });
    expect((await ask("lost")).body).toMatchObject({ ok: false });
    expect(await suite.json("tsa", "status")).toMatchObject({ clock: { unproven: true }, units: [{ unit: "test" }] });
  });

  it("over what Clara says of a model is verified by openssl over the document", async () => {
    const model = { model_hash: "ab".repeat(32), model_name: "recht-de-lora", metadata: { base: "llama", rank: 16 } };
    const { status, body } = await suite.rest("POST", "/api/v1/tsa/vcc/clara/model", model);
    expect([status, body.token.test]).toEqual([200, true]);
    const [document, token] = [suite.file("document.json"), suite.file("document.tst")];
    writeFileSync(document, body.document);
    writeFileSync(token, Buffer.from(body.token.token, "base64"));
    const files = ["-data", document, "-in", token, "-token_in", "-CAfile", `${suite.home}/trust/root.pem`];
    const bundle = suite.file("trust/bundle.pem");
    const verify = () => suite.openssl("ts", "-verify", ...files, "-untrusted", bundle);
    expect(String((await verify()).stdout)).toContain("Verification: OK");
    writeFileSync(document, body.document.replace("16", "17"));
    expect((await verify()).exitCode).not.toBe(0);
  });

  it("is made again after the tsa and the hsm-gateway were killed", async () => {
    for (const name of ["tsa", "hsm-gateway"]) {
      const { pid = 0 } = (await suite.processes()).find((process) => process.name === name) ?? {};
      process.kill(pid, "SIGKILL");
      await eventually(async () => expect(await stampAndVerify(`after-${name}`)).toBe("OK"));
    }
  });
});
