import { readFileSync, writeFileSync } from "node:fs";
import { parseCertificate, pemDecode, pemEncode } from "@vcc-pki/x509";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newPlatformIdentity, visit } from "./platform.ts";
import { eventually, type Suite, startSuite } from "./suite.ts";

const OFFSET = 13_000;
const STATUS = `http://127.0.0.1:${8081 + OFFSET}`;
/** A revocation is to be seen within a second; what is tested is that it is seen. */
const SOON_MS = 20_000;
const hasOcsptool = (await execa("ocsptool", ["--version"], { reject: false })).exitCode === 0;
const NEVER_ISSUED = "5a".repeat(19);

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite(OFFSET);
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

interface Issued {
  readonly id: string;
  readonly issuerId: string;
  readonly serialHex: string;
  /** Files: the certificate alone, and with its chain. */
  readonly leaf: string;
  readonly chain: string;
}

async function issue(name: string): Promise<Issued> {
  const [chain, key, leaf] = [suite.file(`${name}.pem`), suite.file(`${name}-key.pem`), suite.file(`${name}-leaf.pem`)];
  const words = ["--profile", "mtls_service", "--name", `${name}.vcc.internal`, "--key-out", key, "--out", chain];
  const issued = await suite.json("cert", "issue", ...words);
  const [der = new Uint8Array()] = pemDecode(readFileSync(chain, "utf8"));
  writeFileSync(leaf, pemEncode("CERTIFICATE", der));
  return { id: issued.cert_id, issuerId: issued.issuing_ca_id, serialHex: issued.serial_number, leaf, chain };
}

const revoke = ({ id }: Issued, reason = "key_compromise") =>
  suite.json("cert", "revoke", id, "--reason", reason, "--yes");

/** What a relying party downloads, as it comes. */
async function download(url: string): Promise<Buffer> {
  const { stdout, exitCode, stderr } = await execa("curl", ["--silent", "--show-error", "--fail", url], {
    encoding: "buffer",
    reject: false,
  });
  if (exitCode !== 0) throw new Error(`${url}: ${Buffer.from(stderr).toString()}`);
  return Buffer.from(stdout);
}

const certificateIn = (file: string) => parseCertificate(pemDecode(readFileSync(file, "utf8"))[0] ?? new Uint8Array());

async function issuerFileOf(issued: Issued): Promise<string> {
  const [url = ""] = certificateIn(issued.leaf).caIssuerUrls;
  const file = suite.file("issuer.pem");
  writeFileSync(file, pemEncode("CERTIFICATE", await download(url)));
  return file;
}

interface Question {
  /** Of the CertID; OpenSSL takes SHA-1 unless told otherwise. */
  readonly hash?: "sha256";
  readonly nonce?: boolean;
  /** Instead of the certificate's own. */
  readonly serial?: string;
}

/** `openssl ocsp` at the address in the certificate. */
async function opensslOcsp(issued: Issued, { hash, nonce = true, serial }: Question = {}): Promise<string> {
  const [url = ""] = certificateIn(issued.leaf).ocspUrls;
  const answer = await suite.openssl(
    ...["ocsp", ...(hash === undefined ? [] : [`-${hash}`]), "-issuer", await issuerFileOf(issued)],
    ...(serial === undefined ? ["-cert", issued.leaf] : ["-serial", `0x${serial}`]),
    ...[nonce ? "-nonce" : "-no_nonce", "-url", url, "-CAfile", suite.file("trust/bundle.pem")],
  );
  expect(String(answer.stderr)).toContain("Response verify OK");
  expect(String(answer.stderr)).not.toContain("no nonce in response");
  return String(answer.stdout);
}

describe("a certificate's status, asked by OpenSSL", () => {
  it("is good, and revoked as soon as it is", async () => {
    const argus = await issue("ocsp-argus");
    expect(certificateIn(argus.leaf).ocspUrls[0]).toMatch(new RegExp(`^${STATUS}/`));
    // The answer to the question with a nonce is made for it; the one without comes from the shelf.
    await eventually(async () => expect(await opensslOcsp(argus)).toContain(`${argus.leaf}: good`), SOON_MS);
    expect(await opensslOcsp(argus, { nonce: false })).toContain(`${argus.leaf}: good`);
    expect(await opensslOcsp(argus, { hash: "sha256" })).toContain(`${argus.leaf}: good`);
    expect((await suite.pki("status", argus.chain)).exitCode).toBe(0);

    await revoke(argus);
    for (const question of [{}, { nonce: false }, { hash: "sha256", nonce: false }] as const) {
      await eventually(async () => {
        const answer = await opensslOcsp(argus, question);
        expect(answer).toContain(`${argus.leaf}: revoked`);
        expect(answer).toContain("Reason: keyCompromise");
      }, SOON_MS);
    }
    expect((await suite.pki("status", argus.chain)).exitCode).toBe(10);
    const byId = await suite.pki("status", argus.id, "--json");
    expect([byId.exitCode, JSON.parse(String(byId.stdout)).revocation_reason]).toEqual([10, "keyCompromise"]);
  });

  it("is unknown for a serial number that nobody issued", async () => {
    const known = await issue("ocsp-known");
    expect(await opensslOcsp(known, { serial: NEVER_ISSUED })).toMatch(/: unknown\n/);
  });

  it("is told at the REST door, too", async () => {
    const clara = await issue("ocsp-clara");
    const certificate = readFileSync(clara.leaf, "utf8");
    const status = (body: unknown) => suite.rest("POST", "/api/v1/ocsp", body);
    await eventually(async () => {
      expect(await status({ certificate })).toMatchObject({
        status: 200,
        body: { status: "good", ca_id: clara.issuerId },
      });
    }, SOON_MS);
    await revoke(clara, "superseded");
    await eventually(async () => {
      const answer = await status({ cert_id: clara.id });
      expect(answer.body).toMatchObject({ status: "revoked", revocation_reason: "superseded" });
    }, SOON_MS);
    const never = { ca_id: clara.issuerId, serial_number: NEVER_ISSUED };
    expect((await status(never)).body).toMatchObject({ status: "unknown" });
  });

  it.skipIf(!hasOcsptool)("satisfies GnuTLS", async () => {
    const [good, revoked] = [await issue("gnutls-good"), await issue("gnutls-revoked")];
    await revoke(revoked);
    const ask = async ({ leaf, ...issued }: Issued) => {
      const issuer = await issuerFileOf({ leaf, ...issued });
      const files = ["--load-cert", leaf, "--load-issuer", issuer, "--load-trust", suite.file("trust/bundle.pem")];
      const { stdout, stderr } = await execa("ocsptool", ["--ask", "--nonce", ...files], { reject: false });
      return `${stdout}\n${stderr}`;
    };
    await eventually(async () => expect(await ask(revoked)).toContain("Certificate Status: revoked"), SOON_MS);
    const answer = await ask(good);
    expect(answer).toContain("Certificate Status: good");
    expect(answer).toContain("Verifying OCSP Response: Success");
  });
});

describe("revocation lists, fetched by curl and judged by OpenSSL", () => {
  const pemOf = (der: Buffer): string => pemEncode("X509 CRL", der);

  /** Every list that a chain needs, full and delta, from where the certificates say. */
  async function listsFor(chain: string): Promise<string> {
    const certificates = pemDecode(readFileSync(chain, "utf8")).map(parseCertificate);
    const full = certificates.flatMap(({ crlDistributionPoints }) => crlDistributionPoints);
    const deltas = certificates
      .slice(0, 1)
      .flatMap(({ crlDistributionPoints: [url = ""] }) => url.replace(/\.crl$/, "-delta.crl"));
    const file = suite.file("lists.pem");
    writeFileSync(file, (await Promise.all([...full, ...deltas].map(download))).map(pemOf).join(""));
    return file;
  }

  const verify = async ({ chain }: Issued) =>
    suite.openssl(
      ...["verify", "-x509_strict", "-crl_check_all", "-extended_crl", "-use_deltas"],
      ...["-CAfile", suite.file("trust/root.pem"), "-untrusted", chain, "-CRLfile", await listsFor(chain), chain],
    );

  it("accept a good certificate and refuse a revoked one, with deltas", async () => {
    const [good, revoked] = [await issue("crl-good"), await issue("crl-revoked")];
    await eventually(async () => {
      const verdict = await verify(good);
      expect([verdict.exitCode, String(verdict.stderr)]).toEqual([0, ""]);
    }, SOON_MS);
    await revoke(revoked);
    await eventually(
      async () => expect(String((await verify(revoked)).stderr)).toContain("certificate revoked"),
      60_000,
    );
    expect((await verify(good)).exitCode).toBe(0);
    const [crlUrl = ""] = certificateIn(revoked.leaf).crlDistributionPoints;
    const shown = await suite.json("crl", "show", crlUrl.replace(/\.crl$/, "-delta.crl"));
    expect(shown.kind).toBe("delta");
  }, 120_000);

  it("are all in one file for an X509_STORE", async () => {
    const [good, revoked] = [await issue("store-good"), await issue("store-revoked")];
    await revoke(revoked);
    const store = suite.file("store.pem");
    const check = async ({ leaf }: Issued) => {
      writeFileSync(store, await download(`${STATUS}/trust/bundle-with-crls.pem`));
      return suite.openssl("verify", "-crl_check_all", "-CAfile", store, leaf);
    };
    await eventually(
      async () => expect(String((await check(revoked)).stderr)).toContain("certificate revoked"),
      60_000,
    );
    const verdict = await check(good);
    expect([verdict.exitCode, String(verdict.stderr)]).toEqual([0, ""]);
  }, 120_000);

  it("are there for every authority, the root's among them, and for HEAD and conditional requests", async () => {
    const { authorities } = await suite.json("ca", "list", "--organisation", "vcc");
    for (const { ca_id } of authorities) {
      const url = `${STATUS}/crl/${ca_id}/0.crl`;
      const text = await suite.openssl(
        "crl",
        "-inform",
        "DER",
        "-noout",
        "-text",
        "-in",
        await saved(await download(url)),
      );
      expect({ ca_id, exitCode: text.exitCode, stderr: text.stderr }).toEqual({ ca_id, exitCode: 0, stderr: "" });
      expect(String(text.stdout), ca_id).toContain("Certificate Revocation List (CRL)");
      const head = await fetch(url, { method: "HEAD" });
      expect([head.status, head.headers.get("content-type")]).toEqual([200, "application/pkix-crl"]);
      const again = await fetch(url, { headers: { "if-none-match": head.headers.get("etag") ?? "" } });
      expect(again.status).toBe(304);
    }
  });

  async function saved(der: Buffer): Promise<string> {
    writeFileSync(suite.file("some.crl"), der);
    return suite.file("some.crl");
  }
});

describe("a revoked service", () => {
  it("is refused at every door, in the stream it has open and in its next call", async () => {
    const identity = await newPlatformIdentity(suite, OFFSET, "gateway");
    const doors = [
      visit("hsm-gateway", 7401 + OFFSET, identity),
      visit("ca", 7402 + OFFSET, identity),
      visit("ocsp", 7403 + OFFSET, identity),
      visit("gateway", 7440 + OFFSET, identity),
    ];
    try {
      const streams = [];
      for (const door of doors) {
        expect(await door.call()).toBe("OK");
        streams.push(await door.stream());
      }
      await suite.json(
        "cert",
        "revoke",
        identity.certId,
        "--organisation",
        "vcc",
        "--reason",
        "key_compromise",
        "--yes",
      );
      for (const { end } of streams) expect(await end).toBe("CALLER_REVOKED");
      for (const door of doors) expect(await door.call()).toBe("CALLER_REVOKED");
      // The gateway's other certificate is as good as before.
      expect((await suite.rest("GET", "/api/v1/health")).body).toMatchObject({ status: "ok" });
    } finally {
      for (const door of doors) door.close();
    }
  });
});

describe("ocsp", () => {
  it("serves again after kill -9, and says nothing wrong", async () => {
    const [good, revoked] = [await issue("kill-good"), await issue("kill-revoked")];
    await revoke(revoked);
    await eventually(async () => expect(await opensslOcsp(revoked)).toContain(": revoked"), SOON_MS);
    const { pid = 0 } = (await suite.processes()).find(({ name }) => name === "ocsp") ?? {};
    process.kill(pid, "SIGKILL");
    const late = await issue("kill-late");
    await revoke(late);
    await eventually(async () => {
      expect(await opensslOcsp(revoked, { nonce: false })).toContain(": revoked");
      expect(await opensslOcsp(good, { nonce: false })).toContain(": good");
      expect(await opensslOcsp(late, { nonce: false })).toContain(": revoked");
    }, 60_000);
    await eventually(async () => {
      const now = (await suite.processes()).find(({ name }) => name === "ocsp");
      expect([now?.state, now?.pid === pid]).toEqual(["ready", false]);
    });
  }, 120_000);

  it("tells where to look, and shows its port", async () => {
    expect(suite.firstStart).toContain(`${STATUS}/ocsp`);
    const status = await suite.pki("status");
    expect(String(status.stdout)).toMatch(new RegExp(`^ocsp +ready .* ${8081 + OFFSET} HTTP`, "m"));
  });
});
