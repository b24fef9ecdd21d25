import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCertificate, pemDecode, pemEncode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csrFor, issue, PROFILE, REQUEST } from "./requests.ts";
import { newSuite, OPERATOR, type Suite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await newSuite();
});
afterAll(() => suite.close());

describe("a certificate is issued", () => {
  it("for a CSR in PEM; OpenSSL accepts the chain", async () => {
    const issued = await issue(suite);
    expect(issued).toMatchObject({
      ...{ issuing_ca_id: "vcc-services-ca", organization_id: "brandenburg", profile: PROFILE, status: "valid" },
      ...{ dns_names: ["argus.vcc.internal"], requester: OPERATOR },
    });
    expect(issued.cert_id).toBe(`vcc-services-ca:${issued.serial_number}`);

    const directory = mkdtempSync(join(tmpdir(), "gateway-openssl-"));
    const file = (name: string, content = "") => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    const [root, chain, leaf] = [
      file("root", suite.trustPem),
      file("chain", issued.chain_pem),
      file("leaf", issued.certificate_pem),
    ];
    const verify = ["verify", "-x509_strict", "-CAfile", root, "-untrusted", chain, leaf];
    expect(execFileSync("openssl", verify, { encoding: "utf8" })).toContain("OK");
  });

  it("for base64 of DER, and for DER itself, with the chain alone if asked for", async () => {
    const csr = csrFor().toString("base64");
    const json = await suite.knock({ path: REQUEST, body: { profile: PROFILE, csr, validity_seconds: 3600 } });
    const { not_before, expires_at } = json.json() as Record<string, string>;
    expect(Date.parse(expires_at ?? "") - Date.parse(not_before ?? "")).toBeLessThanOrEqual(3600_000);

    const raw = await suite.knock({
      path: `${REQUEST}&profile=${PROFILE}&validity_seconds=3600`,
      body: csrFor(),
      headers: { "content-type": "application/pkcs10", accept: "application/pem-certificate-chain" },
    });
    expect([raw.status, raw.headers["content-type"]]).toEqual([201, "application/pem-certificate-chain"]);
    const [leaf] = pemDecode(raw.text);
    expect(leaf && parseCertificate(leaf).subjectAltNames.dns).toEqual(["argus.vcc.internal"]);
    expect(raw.headers.location).toMatch(/^\/api\/v1\/certs\/vcc-services-ca:[0-9a-f]{38}$/);
  });

  it("once for one Idempotency-Key; the key with other content is refused", async () => {
    const csr = csrFor().toString("base64");
    const ask = (body: object) => suite.knock({ path: REQUEST, body, headers: { "idempotency-key": '"order-1"' } });
    const first = (await ask({ profile: PROFILE, csr })).json();
    expect((await ask({ profile: PROFILE, csr })).json().cert_id).toBe(first.cert_id);
    const other = await ask({ profile: PROFILE, csr: csrFor().toString("base64") });
    expect([other.status, other.json().code]).toEqual([409, "REQUEST_ID_REUSED"]);
  });

  const refusals: readonly [what: string, body: object, status: number, code: string][] = [
    ["garbage", { csr: Buffer.from("garbage").toString("base64") }, 400, "CSR_MALFORMED"],
    ["no base64", { csr: "*** not base64 ***" }, 400, "CSR_MALFORMED"],
    ["base64 with something in it", { csr: `!${csrFor().toString("base64")}` }, 400, "CSR_MALFORMED"],
    ["a truncated CSR", { csr: csrFor().subarray(0, 100).toString("base64") }, 400, "CSR_MALFORMED"],
    ["trailing bytes", { csr: Buffer.concat([csrFor(), Buffer.of(0)]).toString("base64") }, 400, "CSR_MALFORMED"],
    ["more than 64 KiB", { csr: Buffer.alloc(65_537).toString("base64") }, 400, "CSR_MALFORMED"],
    ["two CSRs", { csr: pemEncode("CERTIFICATE REQUEST", csrFor()).repeat(2) }, 400, "CSR_MALFORMED"],
    ["another kind of PEM", { csr: pemEncode("CERTIFICATE", csrFor()) }, 400, "CSR_MALFORMED"],
    ["half a PEM", { csr: "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n" }, 400, "CSR_MALFORMED"],
    ["a foreign name", { csr: csrFor({ dns: ["www.bayern.example"] }).toString("base64") }, 403, "NAME_NOT_ALLOWED"],
    ["an unknown profile", { profile: "nothing" }, 404, "PROFILE_UNKNOWN"],
    ["a profile of the suite's own", { profile: "platform" }, 403, "PROFILE_NOT_ALLOWED"],
    ["an unknown authority", { ca_id: "no-such-ca" }, 404, "NOT_FOUND"],
    ["an unknown field", { key_out: "please" }, 400, "REQUEST_MALFORMED"],
    ["a number as text", { validity_seconds: "3600" }, 400, "REQUEST_MALFORMED"],
  ];
  it.each(refusals)("not for %s", async (_what, body, status, code) => {
    const csr = csrFor().toString("base64");
    const answer = await suite.knock({ path: REQUEST, body: { profile: PROFILE, csr, ...body } });
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });

  it("not without a body, not raw without a profile, not with options in two places", async () => {
    const headers = { "content-type": "application/pkcs10" };
    const answers = [
      await suite.knock({ path: REQUEST, method: "POST" }),
      await suite.knock({ path: REQUEST, body: csrFor(), headers }),
      await suite.knock({ path: `${REQUEST}&profile=${PROFILE}`, body: { profile: PROFILE, csr: "x" } }),
      await suite.knock({ path: REQUEST, body: { profile: PROFILE, csr: "x" }, headers: { "idempotency-key": "a b" } }),
    ];
    expect(answers.map((answer) => answer.json().code)).toEqual(Array(4).fill("REQUEST_MALFORMED"));
  });
});
