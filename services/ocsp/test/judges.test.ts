import { fakeClock } from "@vcc-pki/testkit/clock";
import type { Certificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inPath, judges, question } from "./client.ts";
import { AUTHORITY, newOcsp, type OcspHarness } from "./harness.ts";

const judge = judges();
let suite: OcspHarness;
let issuer: Certificate;
let good: Certificate;
let revoked: Certificate;

// The tools look at the clock of the machine.
beforeAll(async () => {
  suite = await newOcsp({ clock: fakeClock(new Date()), authorities: ["vcc-services-ca", "vcc-code-signing-ca"] });
  issuer = await suite.authority(AUTHORITY);
  [good, revoked] = [await suite.issue(), await suite.issue()];
  await suite.revoke(revoked);
  await suite.ocsp.refresh();
  judge.pem("root.pem", await suite.authority("vcc-root-ca"));
  judge.pem("issuer.pem", issuer);
  judge.pem("good.pem", good);
  judge.pem("revoked.pem", revoked);
});
afterAll(async () => {
  judge.close();
  await suite.close();
});

const openssl = (...words: string[]) =>
  judge.run("openssl", "ocsp", "-CAfile", "root.pem", "-verify_other", "issuer.pem", "-issuer", "issuer.pem", ...words);

describe("OpenSSL accepts", () => {
  it.each([
    ["with a nonce", []],
    ["signed ahead", ["-no_nonce"]],
    ["by SHA-256", ["-no_nonce", "-sha256"]],
    ["by SHA-256 with a nonce", ["-sha256"]],
  ])("good and revoked %s", async (_, words) => {
    // Digest options hold for the certificates named after them.
    const url = ["-url", `${suite.url}/ocsp/${AUTHORITY}`];
    const about = async (file: string) => openssl(...words, ...url, "-cert", file);
    const aboutGood = await about("good.pem");
    expect(aboutGood).toContain("Response verify OK");
    expect(aboutGood).toContain("good.pem: good");
    expect(aboutGood).not.toMatch(/WARNING|ERROR/i);
    const aboutRevoked = await about("revoked.pem");
    expect(aboutRevoked).toContain("Response verify OK");
    expect(aboutRevoked).toMatch(/revoked.pem: revoked[\s\S]*Reason: keyCompromise/);
  });

  it("several certificates in one question, and one that was never issued", async () => {
    const text = await openssl(
      "-url",
      `${suite.url}/ocsp`,
      "-cert",
      "good.pem",
      "-cert",
      "revoked.pem",
      "-serial",
      "0x7777",
    );
    expect(text).toContain("Response verify OK");
    expect(text).toMatch(/good.pem: good[\s\S]*revoked.pem: revoked[\s\S]*0x7777: unknown/);
  });

  it("an answer to GET, from curl", async () => {
    const der = question(issuer, [good.serial]);
    await judge.run("curl", "-sf", "-o", "answer.der", `${suite.url}/ocsp/${AUTHORITY}/${inPath(der)}`);
    const text = await openssl("-respin", "answer.der", "-no_nonce", "-cert", "good.pem");
    expect(text).toContain("Response verify OK");
    expect(text).toContain("good.pem: good");
  });

  it("answers about certificates that sign for the archive", async () => {
    const signer = await suite.issue({ profile: "code_signing" });
    await suite.ocsp.refresh();
    judge.pem("signer.pem", signer);
    judge.pem("signers.pem", await suite.authority("vcc-code-signing-ca"));
    const words = ["ocsp", "-CAfile", "root.pem", "-verify_other", "signers.pem", "-issuer", "signers.pem"];
    const text = await judge.run("openssl", ...words, "-url", `${suite.url}/ocsp`, "-cert", "signer.pem", "-resp_text");
    expect(text).toContain("signer.pem: good");
    expect(text).toContain("OCSP Archive Cutoff");
  });

  it("the bundle with lists, as a store that checks revocation for the whole chain", async () => {
    const platform = { requestId: crypto.randomUUID(), organisation: "vcc", authorityId: "vcc-root-ca", ahead: 0 };
    const { crls } = suite.ca.as();
    const wait = await crls.publish(platform).catch((error) => error);
    await suite.ca.approve(wait.details.approvalId);
    await crls.publish(platform);
    suite.clock.advance(2_000);
    await suite.ca.ca.runChores();
    await suite.ocsp.refresh();
    await judge.run("curl", "-sf", "-o", "all.pem", `${suite.url}/trust/bundle-with-crls.pem`);
    const seconds = String(Math.floor(suite.clock.now().getTime() / 1_000));
    const verify = (file: string) =>
      judge.run("openssl", "verify", "-x509_strict", "-crl_check_all", "-attime", seconds, "-CAfile", "all.pem", file);
    expect(await verify("good.pem")).toContain("good.pem: OK");
    await expect(verify("revoked.pem")).rejects.toThrow("certificate revoked");
  });
});

describe.skipIf(!judge.has("ocsptool"))("GnuTLS ocsptool accepts", () => {
  it.each([
    ["good", "good.pem", "Certificate Status: good"],
    ["revoked", "revoked.pem", "Certificate Status: revoked"],
  ])("%s, with and without nonce", async (_, file, expected) => {
    const words = [
      `--ask=${suite.url}/ocsp`,
      "--load-issuer",
      "issuer.pem",
      "--load-cert",
      file,
      "--load-trust",
      "issuer.pem",
    ];
    for (const nonce of ["--nonce", "--no-nonce"]) {
      const text = await judge.run("ocsptool", nonce, ...words).catch((error) => String(error));
      expect(text).toContain(expected);
      expect(text).toContain("Verifying OCSP Response: Success");
    }
  });
});
