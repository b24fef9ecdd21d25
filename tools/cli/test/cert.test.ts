import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { newSuite, type Suite } from "@vcc-pki/gateway/harness";
import { createTestHierarchy, generateTestKey } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { createCertificationRequest, parseCertificate, pemDecode, pemEncode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";

let suite: Suite;
let cli: Cli;
beforeAll(async () => {
  suite = await newSuite();
  cli = newCli(suite);
});
afterAll(() => suite.close());

const PROFILE = ["--profile", "mtls_service"];
const issue = (name: string, ...more: string[]) => {
  const [keyOut, out] = [cli.file(`${name}-key.pem`), cli.file(`${name}.pem`)];
  const args = ["--name", `${name}.vcc.internal`, "--key-out", keyOut, "--out", out, ...more];
  return cli.run("cert", "issue", ...PROFILE, ...args).then((ran) => ({ ...ran, keyOut, out: ran.out, chain: out }));
};

describe("cert issue", () => {
  it("makes a key for nobody else's eyes and a chain that OpenSSL accepts", async () => {
    const { exit, err, out, keyOut, chain } = await issue("argus");
    expect([exit, err.includes("key is in")]).toEqual([0, true]);
    expect(out).toContain("argus.vcc.internal");
    expect(statSync(keyOut).mode & 0o777).toBe(0o600);
    const [leaf] = pemDecode(readFileSync(chain, "utf8"));
    const certificate = parseCertificate(leaf ?? new Uint8Array());
    const key = createPrivateKey(readFileSync(keyOut));
    expect(key.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    const verify = ["verify", "-x509_strict", "-CAfile", join(cli.home, "trust/root.pem"), "-untrusted", chain, chain];
    expect(execFileSync("openssl", verify, { encoding: "utf8" })).toContain("OK");
    expect(certificate.subjectAltNames.dns).toEqual(["argus.vcc.internal"]);
  });

  it("takes other names, another key and a shorter life, and speaks JSON", async () => {
    const more = [
      "--ip",
      "10.1.2.3",
      "--uri",
      "spiffe://vcc.internal/org/brandenburg/service/clara",
      "--validity",
      "2h",
    ];
    const ran = await issue("clara", "--key-algorithm", "ec-p384", ...more, "--json");
    expect([ran.exit, ran.err]).toEqual([0, ""]);
    expect(JSON.parse(ran.out)).toMatchObject({
      ...{ dns_names: ["clara.vcc.internal"], ip_addresses: ["10.1.2.3"], key_algorithm: "ec-p384" },
      ...{ certificate_file: ran.chain, key_file: ran.keyOut },
    });
  });

  it("takes a CSR in PEM or DER, from a file or standard input", async () => {
    const { privateKey } = generateTestKey();
    const der = createCertificationRequest({ privateKey, subjectAltNames: { dns: ["covina.vcc.internal"] } });
    const args = [...PROFILE, "--force", "--json", "--out", cli.file("covina.pem")];
    const pemFile = cli.file("covina.csr", pemEncode("CERTIFICATE REQUEST", der));
    expect((await cli.run("cert", "issue", "--csr", pemFile, ...args)).exit).toBe(0);
    const piped = await cli.runWith({ input: Buffer.from(der) }, "cert", "issue", "--csr", "-", ...args);
    expect([piped.exit, piped.json().dns_names]).toEqual([0, ["covina.vcc.internal"]]);
  });

  it("never replaces a file, and asks for nothing when it cannot write", async () => {
    await issue("once");
    const before = readFileSync(cli.file("once-key.pem"), "utf8");
    const again = await issue("once");
    expect([again.exit, again.err.includes("exists already")]).toEqual([2, true]);
    expect(readFileSync(cli.file("once-key.pem"), "utf8")).toBe(before);
    const list = await cli.run("cert", "list", "--name", "once.vcc.internal", "--json");
    expect(list.json().certificates).toHaveLength(1);
    expect((await issue("once", "--force")).exit).toBe(0);
  });

  it("keeps no key of a certificate that was refused", async () => {
    const [keyOut, out] = [cli.file("bad-key.pem"), cli.file("bad.pem")];
    const ran = await cli.run(
      "cert",
      "issue",
      ...PROFILE,
      "--name",
      "www.bayern.example",
      "--key-out",
      keyOut,
      "--out",
      out,
    );
    expect(ran.exit).toBe(3);
    expect(ran.err).toMatch(/NAME_NOT_ALLOWED[\s\S]*hint: /);
    expect([existsSync(keyOut), existsSync(out)]).toEqual([false, false]);
  });

  it("keeps key and request when nobody answers, and says how to go on", async () => {
    const [keyOut, out] = [cli.file("lost-key.pem"), cli.file("lost.pem")];
    const args = [...PROFILE, "--name", "lost.vcc.internal", "--key-out", keyOut, "--out", out];
    const ran = await cli.runWith({ env: { PKI_PORT_OFFSET: "1" } }, "cert", "issue", ...args);
    expect([ran.exit, existsSync(keyOut), existsSync(out)]).toEqual([5, true, false]);
    const [, csr = "", requestId = ""] = /repeat with --csr (\S+) --request-id (\S+)/.exec(ran.err) ?? [];
    const again = await cli.run("cert", "issue", ...PROFILE, "--csr", csr, "--request-id", requestId, "--out", out);
    expect(again.exit).toBe(0);
    const leaf = new X509Certificate(readFileSync(out));
    expect(leaf.checkPrivateKey(createPrivateKey(readFileSync(keyOut)))).toBe(true);
  });

  it("gives one certificate for one request id", async () => {
    const csr = cli.file(
      "same.csr",
      Buffer.from(
        createCertificationRequest({
          privateKey: generateTestKey().privateKey,
          subjectAltNames: { dns: ["same.vcc.internal"] },
        }),
      ),
    );
    const ask = () =>
      cli.run(
        "cert",
        "issue",
        ...PROFILE,
        "--csr",
        csr,
        "--out",
        cli.file("same.pem"),
        "--force",
        "--request-id",
        "same-1",
        "--json",
      );
    const [first, second] = [await ask(), await ask()];
    expect(second.json().cert_id).toBe(first.json().cert_id);
  });

  it.each([
    [["--profile", "nothing", "--name", "a.vcc.internal"], 4],
    [["--profile", "mtls_service"], 2],
    [["--profile", "mtls_service", "--name", "a.vcc.internal", "--validity", "soon"], 2],
    [["--profile", "mtls_service", "--name", "a.vcc.internal", "--key-algorithm", "rsa-1024"], 2],
    [["--profile", "mtls_service", "--name", "*.vcc.internal"], 3],
  ])("%j exits with %d and leaves nothing behind", async (args, exit) => {
    const [keyOut, out] = [cli.file("never-key.pem"), cli.file("never.pem")];
    const ran = await cli.run("cert", "issue", ...args, "--key-out", keyOut, "--out", out);
    expect([ran.exit, existsSync(keyOut), existsSync(out)]).toEqual([exit, false, false]);
  });
});

describe("cert list, show, revoke", () => {
  it("go through the life of a certificate", async () => {
    const { cert_id: id, serial_number: serial } = JSON.parse((await issue("vpb", "--json")).out);
    expect((await cli.run("cert", "list", "--name", "vpb.*")).out).toContain(id);
    expect((await cli.run("cert", "list", "--expires-within", "1d", "--name", "vpb.vcc.internal")).out).toBe(
      "no certificates\n",
    );
    expect((await cli.run("cert", "show", serial)).out).toMatch(new RegExp(`id +${id}\n`));

    const unsure = await cli.run("cert", "revoke", serial, "--reason", "keyCompromise");
    expect([unsure.exit, unsure.err.includes("--yes")]).toEqual([2, true]);
    const colons = serial.match(/../g).join(":");
    const revoked = await cli.run(
      "cert",
      "revoke",
      colons,
      "--reason",
      "keyCompromise",
      "--invalidity-date",
      "2026-11-01",
      "--yes",
    );
    expect([revoked.exit, revoked.out.includes(id)]).toEqual([0, true]);
    expect((await cli.run("cert", "list", "--state", "revoked")).out).toContain(id);

    suite.clock.advance(1_000);
    await suite.ca.runChores();
    const crl = cli.file("services.crl");
    expect((await cli.run("crl", "get", "vcc-services-ca", "--out", crl)).exit).toBe(0);
    const text = execFileSync("openssl", ["crl", "-inform", "DER", "-in", crl, "-noout", "-text"], {
      encoding: "utf8",
    });
    expect(text.toLowerCase()).toContain(serial);
    expect((await cli.run("crl", "get", "vcc-services-ca", "--out", crl)).exit).toBe(2);
  });

  it("say that there is none, alike for what is not there and what is not ours", async () => {
    const bayern = await suite.person("bayern", "berta");
    const theirs = await suite.issue(
      "admin",
      { uri: ["spiffe://vcc.internal/org/bayern/admin/x"] },
      {
        requester: "spiffe://vcc.internal/org/bayern/admin/berta",
      },
    );
    expect(bayern.certificateId).not.toBe("");
    const foreign = await cli.run("cert", "show", theirs.certificateId, "--json");
    const unknown = await cli.run("cert", "show", "0102030405", "--json");
    const problemOf = ({ err }: { err: string }) => {
      const { details: _, ...problem } = JSON.parse(err);
      return problem;
    };
    expect([foreign.exit, unknown.exit]).toEqual([4, 4]);
    expect(problemOf(foreign)).toEqual(problemOf(unknown));
  });
});

describe("when the door stays shut", () => {
  it("says that nobody is there", async () => {
    const ran = await cli.runWith({ env: { PKI_PORT_OFFSET: "1" } }, "cert", "list");
    expect([ran.exit, ran.err.includes("hint: is the suite running?")]).toEqual([5, true]);
  });

  it("trusts no server below another root, and sends it nothing", async () => {
    const other = createTestHierarchy({ clock: systemClock }).issue({ subjectAltNames: { dns: ["localhost"] } });
    let requests = 0;
    const server = createServer({ key: other.keyPem, cert: other.chainPem, minVersion: "TLSv1.3" }, () => {
      requests++;
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const { port } = server.address() as AddressInfo;
    const ran = await cli.runWith({ env: { PKI_PORT_OFFSET: String(port - 8443) } }, "cert", "list");
    expect([ran.exit, ran.err.includes("is not trusted"), requests]).toEqual([5, true, 0]);
    server.close();
  });

  it("says that the certificate is not accepted, and why when it can know", async () => {
    const foreign = createTestHierarchy({ clock: systemClock }).issue();
    const mixed = { chainPem: suite.admin.chainPem, keyPem: foreign.keyPem };
    const garbage = { chainPem: "garbage", keyPem: "garbage" };
    const gateway = { uri: ["spiffe://vcc.internal/pki/gateway"] };
    const service = await suite.issue("platform", gateway, { caller: "gateway" });
    for (const { chainPem, keyPem } of [foreign, mixed, garbage, service]) {
      const [cert, key] = [cli.file("who.pem", chainPem), cli.file("who-key.pem", keyPem)];
      const ran = await cli.run("cert", "list", "--cert", cert, "--key", key, "--json");
      expect([ran.exit, JSON.parse(ran.err).code]).toEqual([8, expect.stringMatching(/^CALLER_/)]);
    }
  });

  it("does without any suite for --help and config", async () => {
    const help = await cli.runWith({ env: { PKI_HOME: "/nowhere" } }, "--help");
    expect([help.exit, help.out.includes("Exit codes:")]).toEqual([0, true]);
    const config = await cli.run("config", "--json");
    expect(config.json()).toMatchObject({
      organisation: "brandenburg",
      identity: "spiffe://vcc.internal/org/vcc/admin/operator",
    });
  });
});

describe("cert status, hold and release", () => {
  it("asks the suite for the certificate and its responder for the status", async () => {
    const { chain } = await issue("status");
    const { serialHex } = parseCertificate(pemDecode(readFileSync(chain, "utf8"))[0] ?? new Uint8Array());
    await suite.ocsp.refresh();
    const good = await cli.run("status", serialHex);
    expect([good.exit, good.out]).toEqual([0, expect.stringMatching(/^status +good\n/)]);
    expect((await cli.run("cert", "revoke", serialHex, "--reason", "superseded", "--yes")).exit).toBe(0);
    await suite.ocsp.refresh();
    const revoked = await cli.run("status", `vcc-services-ca:${serialHex}`, "--json");
    expect([revoked.exit, revoked.json().revocation_reason]).toEqual([10, "superseded"]);
    expect((await cli.run("status", "5a".repeat(19))).exit).toBe(4);
  });

  it("puts on hold what may be, and releases it", async () => {
    const { certificateId } = await suite.person("brandenburg", "hella");
    const held = await cli.run("cert", "revoke", certificateId, "--reason", "certificate_hold", "--yes");
    expect([held.exit, held.out]).toEqual([0, expect.stringContaining(`${certificateId} is on hold since`)]);
    await suite.ocsp.refresh();
    expect((await cli.run("status", certificateId)).exit).toBe(10);
    const released = await cli.run("cert", "release", certificateId);
    expect([released.exit, released.out]).toEqual([0, `${certificateId} is valid again\n`]);
    await suite.ocsp.refresh();
    expect((await cli.run("status", certificateId)).exit).toBe(0);
    const again = await cli.run("cert", "release", certificateId);
    expect([again.exit, again.err]).toEqual([3, expect.stringContaining("CERTIFICATE_NOT_ON_HOLD")]);
  });
});
