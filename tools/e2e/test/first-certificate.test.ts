import { readFileSync, writeFileSync } from "node:fs";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Suite, startSuite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite(11_000);
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

/** `openssl verify` of a full-chain file against the suite's root, with whatever else is asked for. */
const verify = (chain: string, ...more: string[]) =>
  suite.openssl("verify", "-x509_strict", ...more, "-CAfile", suite.file("trust/root.pem"), "-untrusted", chain, chain);

describe("the first start", () => {
  it("says that it ran the development ceremony, and shows a certificate for argus", () => {
    expect(suite.firstStart).toMatch(/ceremony/i);
    expect(suite.firstStart).toContain("argus.vcc.internal");
  });

  it("left a certificate that OpenSSL accepts", async () => {
    const result = await verify(suite.file("first-certificate/argus.pem"));
    expect(result.exitCode, String(result.stderr)).toBe(0);
  });

  it("left no key that others may read", async () => {
    const { stdout } = await execa("find", [suite.home, "-type", "f", "-name", "*key*", "-perm", "/077"]);
    expect(stdout).toBe("");
  });

  it("answers a second up at once: it is running", async () => {
    const again = await suite.pki("up", "--detach");
    expect(again.exitCode).toBe(0);
    expect(`${again.stdout}${again.stderr}`).toMatch(/running/i);
  });
});

describe("a certificate's life", () => {
  it("is issued, listed, revoked, and shown by OpenSSL in the CRL", async () => {
    const [out, key, crl] = [suite.file("covina.pem"), suite.file("covina-key.pem"), suite.file("services.crl")];
    const issued = await suite.json(
      ...[
        "cert",
        "issue",
        "--profile",
        "mtls_service",
        "--name",
        "covina.vcc.internal",
        "--key-out",
        key,
        "--out",
        out,
      ],
    );
    expect((await verify(out)).exitCode).toBe(0);
    const listed = await suite.json("cert", "list", "--name", "covina.vcc.internal");
    expect(JSON.stringify(listed)).toContain(issued.cert_id);

    await suite.json("cert", "revoke", issued.cert_id, "--reason", "key_compromise", "--yes");

    await eventually(async () => {
      await suite.json("crl", "get", issued.issuing_ca_id, "--out", crl, "--force");
      const text = await suite.openssl("crl", "-inform", "DER", "-in", crl, "-noout", "-text");
      expect(String(text.stdout).toLowerCase()).toContain(`serial number: ${issued.serial_number}`);
    });
    const issuers = await suite.pki("ca", "chain", issued.issuing_ca_id);
    writeFileSync(suite.file("issuers.pem"), String(issuers.stdout));
    const checked = await suite.openssl(
      "crl",
      "-inform",
      "DER",
      "-in",
      crl,
      "-noout",
      "-CAfile",
      suite.file("issuers.pem"),
    );
    expect(String(checked.stderr)).toContain("verify OK");

    const pem = await suite.openssl("crl", "-inform", "DER", "-in", crl);
    writeFileSync(suite.file("services.crl.pem"), String(pem.stdout));
    const refused = await verify(out, "-crl_check", "-CRLfile", suite.file("services.crl.pem"));
    expect(refused.exitCode).not.toBe(0);
    expect(String(refused.stderr)).toContain("certificate revoked");
  });

  it("shows both facts among the events", async () => {
    const types = (await suite.events(50)).map(({ type }) => type);
    expect(types).toContain("pki.certificate.issued.v1");
    expect(types).toContain("pki.certificate.revoked.v1");
  });

  it("takes a request that OpenSSL made", async () => {
    const [key, csr, out] = [suite.file("clara-key.pem"), suite.file("clara.csr"), suite.file("clara.pem")];
    await suite.openssl(
      ...["req", "-new", "-newkey", "rsa:3072", "-nodes", "-keyout", key, "-out", csr],
      ...["-subj", "/CN=clara.vcc.internal", "-addext", "subjectAltName=DNS:clara.vcc.internal"],
    );
    await suite.json("cert", "issue", "--profile", "vcc_service_template", "--csr", csr, "--out", out);
    expect((await verify(out)).exitCode).toBe(0);
    const [ours, theirs] = await Promise.all([
      suite.openssl("x509", "-in", out, "-noout", "-pubkey"),
      suite.openssl("pkey", "-in", key, "-pubout"),
    ]);
    expect(ours.stdout).toBe(theirs.stdout);
  });
});

describe("the door", () => {
  const curl = (...words: string[]) =>
    execa("curl", ["--silent", "--show-error", "--cacert", suite.file("trust/root.pem"), ...words], { reject: false });

  it("answers curl with an administrator's certificate", async () => {
    const identity = ["--cert", suite.file("operator/admin.pem"), "--key", suite.file("operator/admin-key.pem")];
    const health = await curl(...identity, `${suite.origin}/api/v1/health`);
    expect(health.exitCode, health.stderr).toBe(0);
    const openapi = await curl(...identity, `${suite.origin}/api/openapi.json`);
    expect(JSON.parse(openapi.stdout).openapi).toMatch(/^3\.1/);
  });

  it("does not open without a certificate", async () => {
    const answer = await curl("--write-out", "%{http_code}", `${suite.origin}/api/v1/health`);
    expect(answer.stdout).toMatch(/"code":"CALLER_UNAUTHENTICATED"[\s\S]*401$/);
    const bundle = await curl(`${suite.origin}/api/v1/trust/bundle`);
    expect(bundle.stdout).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });

  it("does not open for a service's certificate", async () => {
    const identity = [
      "--cert",
      suite.file("first-certificate/argus.pem"),
      "--key",
      suite.file("first-certificate/argus-key.pem"),
    ];
    const answer = await curl(
      ...identity,
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_code}",
      `${suite.origin}/api/v1/ca/list`,
    );
    expect(answer.stdout === "401" || answer.stdout === "403" || answer.exitCode !== 0).toBe(true);
  });

  it("names every refusal with a stable code", async () => {
    const garbage = await suite.rest("POST", "/api/v1/certs/request?organisation=brandenburg", {
      profile: "mtls_service",
      csr: Buffer.from("not a request").toString("base64"),
    });
    expect(garbage).toMatchObject({ status: 400, body: { type: "urn:pki:error:CSR_MALFORMED" } });
    const foreign = await suite.rest("GET", "/api/v1/certs/list?organisation=bayern");
    expect(foreign.status).toBe(404);
    expect(JSON.stringify([garbage.body, foreign.body])).not.toMatch(/at .+\.ts:\d+/);
  });
});

describe("a quorum", () => {
  it("holds a new authority under the root until two custodians agree, through restarts", async () => {
    const parent = ["--parent", "vcc-root-ca", "--organisation", "vcc"];
    const wanted = ["--common-name", "E2E CA", "--profile", "mtls_service"];
    const waiting = await suite.pki("ca", "create", "e2e-ca", ...parent, ...wanted);
    expect(waiting.exitCode).toBe(6);
    const listed = await suite.json("approval", "list");
    const pending = listed.approvals.find(({ status }: { status: string }) => status === "pending");
    const sign = (n: number) =>
      suite.pki(
        ...["approval", "sign", pending.approval_id, "--key", suite.file(`custodians/custodian-${n}-key.pem`)],
        ...["--custodian", `custodian-${n}`, "--yes"],
      );

    expect((await sign(1)).exitCode).toBe(0);
    // The same custodian twice is still one.
    expect((await sign(1)).exitCode).toBe(0);
    const { approvals } = await suite.json("approval", "list");
    const after = approvals.find(({ approval_id }: { approval_id: string }) => approval_id === pending.approval_id);
    expect(after).toMatchObject({ status: "pending", decisions: [{ custodian_id: "custodian-1" }] });
    for (const name of ["hsm-gateway", "ca"]) {
      const { pid } = (await suite.processes()).find((process) => process.name === name) ?? {};
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
    await eventually(async () => expect((await sign(2)).exitCode).toBe(0), 60_000);

    await eventually(async () => {
      const tree = await suite.json("ca", "list", "--organisation", "vcc");
      expect(JSON.stringify(tree)).toContain("E2E CA");
      const chain = await suite.pki("ca", "chain", "e2e-ca", "--organisation", "vcc");
      expect(chain.exitCode).toBe(0);
      writeFileSync(suite.file("e2e-ca.pem"), String(chain.stdout));
    }, 60_000);
    expect((await verify(suite.file("e2e-ca.pem"))).exitCode).toBe(0);
    expect(readFileSync(suite.file("e2e-ca.pem"), "utf8").match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  }, 180_000);
});
