import { hash } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Suite, startSuite } from "./suite.ts";

const SIGN_ACTION = resolve(import.meta.dirname, "../../sign-action/sign.sh");

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite(15_000);
  await suite.json("signer", "create", "covina");
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

let count = 0;
function newPackage(): string {
  const directory = suite.file(`package-${++count}`);
  mkdirSync(join(directory, "recht"), { recursive: true });
  writeFileSync(join(directory, "recht/__init__.py"), "print('hello')\n");
  return directory;
}

describe("a signed package", () => {
  it("is made and verified as the roadmap writes it, by OpenSSL and sha256sum as well, and refused once it is changed", async () => {
    const output = suite.file("signed");
    expect(
      (await suite.pki("sign", "--package", newPackage(), "--output", output, "--signer", "covina")).exitCode,
    ).toBe(0);
    const signed = join(output, `package-${count}`);
    const verify = async () => (await suite.pki("verify", "--package", signed, "--no-cache")).exitCode;
    expect(await verify()).toBe(0);
    const files = ["-in", `${signed}/SHA256SUMS.p7s`, "-content", `${signed}/SHA256SUMS`, "-out", "/dev/null"];
    const words = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any", ...files];
    expect(String((await suite.openssl(...words, "-CAfile", suite.file("trust/root.pem"))).stderr)).toContain(
      "successful",
    );
    const sha256sum = () => execa("sha256sum", ["-c", "--strict", "SHA256SUMS"], { cwd: signed, reject: false });
    expect((await sha256sum()).exitCode).toBe(0);
    appendFileSync(join(signed, "recht/__init__.py"), "#");
    expect([await verify(), (await sha256sum()).exitCode]).toEqual([3, 1]);
  });

  it("is told of by an event, and found by its digest", async () => {
    const directory = newPackage();
    appendFileSync(join(directory, "recht/__init__.py"), `# ${count}\n`);
    const { artefact_digest } = await suite.json("sign", "--package", directory, "--signer", "covina");
    await eventually(async () => {
      const told = (await suite.events(100, { organisation: "vcc" })).filter(
        ({ type }) => type === "pki.artefact.signed.v1",
      );
      expect(told.map(({ data }) => data.artefactDigest)).toContain(artefact_digest);
    }, 20_000);
    const path = `/api/v1/signatures?digest=${artefact_digest}`;
    expect((await suite.rest("GET", path)).body.signatures).toMatchObject([{ signer: "covina", artefact_digest }]);
  });

  it("is verified at the door, counted there, and refused once it is recalled", async () => {
    const directory = newPackage();
    appendFileSync(join(directory, "recht/__init__.py"), `# to be recalled ${count}\n`);
    const { signature_id } = await suite.json("sign", "--package", directory, "--signer", "covina");
    const read = (name: string) => readFileSync(join(directory, name));
    const question = {
      ...{ signature: read("SHA256SUMS.p7s").toString("base64"), manifest: read("SHA256SUMS").toString() },
      files: [{ path: "recht/__init__.py", sha256: hash("sha256", read("recht/__init__.py")) }],
    };
    const ask = async (organisation = "") => suite.rest("POST", `/api/v1/verify/signature${organisation}`, question);
    expect((await ask()).body).toMatchObject({ ok: true, signature_id });
    const { body } = await suite.rest("GET", `/api/v1/sign/audit/${signature_id}/usage`);
    expect(body).toMatchObject({ verified: 1 });
    await eventually(async () => {
      const told = await suite.events(100, { organisation: "vcc" });
      expect(told.map(({ type, data }) => [type, data.count])).toContainEqual(["pki.artefact.verified.v1", 1]);
    }, 20_000);
    const foreign = (await ask("?organisation=brandenburg")).body;
    expect([foreign.ok, JSON.stringify(foreign.checks)]).toEqual([
      false,
      expect.stringContaining("ORGANISATION_OTHER"),
    ]);
    await suite.json("recall", directory, "--reason", "a test", "--yes");
    expect(JSON.stringify((await ask()).body)).toContain("RECALLED");
  });

  it("is signed again after the services that take part were killed", async () => {
    for (const name of ["signing", "tsa", "hsm-gateway"]) {
      const { pid = 0 } = (await suite.processes()).find((process) => process.name === name) ?? {};
      process.kill(pid, "SIGKILL");
      await eventually(async () => {
        const { exitCode } = await suite.pki("sign", "--package", newPackage(), "--signer", "covina");
        expect(exitCode).toBe(0);
      }, 30_000);
    }
  });
});

describe("the action", () => {
  const run = (env: Record<string, string>) => execa(SIGN_ACTION, { env, reject: false });
  const variables = (directory: string) => ({
    ...{ PACKAGE_PATH: directory, API_ENDPOINT: suite.origin, SIGNER: "covina", ARTEFACT_VERSION: "1.0" },
    CLIENT_CERTIFICATE: readFileSync(suite.file("operator/admin.pem"), "utf8"),
    CLIENT_KEY: readFileSync(suite.file("operator/admin-key.pem"), "utf8"),
    TRUST_ROOT: readFileSync(suite.file("trust/root.pem"), "utf8"),
  });

  it("signs, tells the pipeline what, and leaves no key behind", async () => {
    const directory = newPackage();
    const output = suite.file("github-output");
    const temporary = suite.file("action-tmp");
    mkdirSync(temporary);
    const ran = await run({ ...variables(directory), GITHUB_OUTPUT: output, TMPDIR: temporary });
    expect([ran.exitCode, JSON.parse(ran.stdout)]).toMatchObject([0, { signer: "covina", path: directory }]);
    expect(readFileSync(output, "utf8")).toMatch(/^signature_id=\S+\nartefact_digest=sha256:[0-9a-f]{64}\n$/);
    expect((await execa("find", [temporary, "-name", "*.pem"])).stdout).toBe("");
    expect((await suite.pki("verify", "--package", directory)).exitCode).toBe(0);
  });

  it("fails for another certificate than it should be, and when something is not set", async () => {
    const wrong = await run({ ...variables(newPackage()), CERT_ID: "vcc-code-signing-ca:0001" });
    expect([wrong.exitCode, wrong.stderr]).toEqual([3, expect.stringContaining("not by vcc-code-signing-ca:0001")]);
    const unset = await run({ ...variables(newPackage()), CLIENT_KEY: "" });
    expect([unset.exitCode, unset.stderr]).toEqual([2, "sign.sh: CLIENT_KEY is not set"]);
  });
});
