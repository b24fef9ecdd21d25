import { execFileSync } from "node:child_process";
import { parseCertificate, parseCertificateList, pemDecode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issue } from "./requests.ts";
import { newSuite, type Suite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await newSuite();
});
afterAll(() => suite.close());

describe("a certificate is found", () => {
  it("by id and by serial number, as JSON, PEM or DER", async () => {
    const { cert_id, serial_number, certificate_pem } = await issue(suite, "found.vcc.internal");
    for (const id of [cert_id, serial_number, serial_number?.toUpperCase()]) {
      const answer = await suite.knock({ path: `/api/v1/certs/${id}?organisation=brandenburg` });
      expect(answer.json()).toMatchObject({ cert_id, certificate_pem, status: "valid" });
    }
    const as = (accept: string) =>
      suite.knock({ path: `/api/v1/certs/${cert_id}?organisation=brandenburg`, headers: { accept } });
    const der = await as("application/pkix-cert");
    expect(der.headers["content-type"]).toBe("application/pkix-cert");
    expect(parseCertificate(der.body).serialHex).toBe(serial_number);
    expect(pemDecode((await as("application/pem-certificate-chain")).text)).toHaveLength(2);
  });

  it("in pages, filtered", async () => {
    const names = ["list-1.vcc.internal", "list-2.vcc.internal", "list-3.vcc.internal"];
    for (const name of names) await issue(suite, name);
    const path = "/api/v1/certs/list?organisation=brandenburg&name=list-*&page_size=2";
    const found: unknown[] = [];
    let token = "";
    do {
      const { certificates, next_page_token = "" } = (await suite.knock({ path: path + token })).json() as {
        certificates: { dns_names: string[]; certificate_pem?: string }[];
        next_page_token?: string;
      };
      expect(certificates.length).toBeLessThanOrEqual(2);
      for (const certificate of certificates) expect(certificate.certificate_pem).toBeUndefined();
      found.push(...certificates.flatMap(({ dns_names }) => dns_names));
      token = next_page_token && `&page_token=${encodeURIComponent(next_page_token)}`;
    } while (token !== "");
    expect(found.sort()).toEqual(names);
    const none = await suite.knock({ path: `${path}&status=revoked` });
    expect(none.json()).toEqual({ certificates: [] });
  });

  it.each([
    "page_size=0",
    "page_size=1001",
    "page_size=-1",
    "status=good",
    "expires_before=tomorrow",
    "page_token=xyz",
    "order=name",
  ])("not with %s", async (query) => {
    const answer = await suite.knock({ path: `/api/v1/certs/list?organisation=brandenburg&${query}` });
    expect([answer.status, answer.json().code]).toEqual([400, "REQUEST_MALFORMED"]);
  });
});

describe("a certificate is revoked", () => {
  it("and status and CRL say so; OpenSSL reads the CRL", async () => {
    const { cert_id, serial_number = "" } = await issue(suite, "revoked.vcc.internal");
    const invalidity_date = new Date(suite.clock.now().getTime() - 3_600_000).toISOString();
    const path = `/api/v1/certs/revoke/${cert_id}?organisation=brandenburg`;
    const revoked = await suite.knock({ path, body: { reason: "key_compromise", invalidity_date } });
    expect(revoked.json()).toMatchObject({ status: "revoked", revocation_reason: "key_compromise" });

    const status = await suite.knock({ path: `/api/v1/certs/status/${cert_id}?organisation=brandenburg` });
    expect(status.json()).toMatchObject({ cert_id, status: "revoked", revocation_reason: "key_compromise" });

    suite.clock.advance(1_000);
    await suite.ca.runChores();
    const crl = await suite.knock({ path: "/api/v1/crl/vcc-services-ca" });
    expect([crl.status, crl.headers["content-type"]]).toEqual([200, "application/pkix-crl"]);
    expect(parseCertificateList(crl.body).findRevoked(serial_number)?.reason).toBe("keyCompromise");
    const text = execFileSync("openssl", ["crl", "-inform", "DER", "-noout", "-text"], {
      input: crl.body,
      encoding: "utf8",
    });
    expect(text.toLowerCase()).toContain(serial_number);

    const etag = String(crl.headers.etag);
    const again = await suite.knock({ path: "/api/v1/crl/vcc-services-ca", headers: { "if-none-match": `W/${etag}` } });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect(crl.headers["cache-control"]).toMatch(/^private, max-age=\d+$/);
  });

  it.each([
    [{ reason: "bored" }, 400, "REQUEST_MALFORMED"],
    [{}, 400, "REQUEST_MALFORMED"],
    [{ reason: "superseded", why: "x" }, 400, "REQUEST_MALFORMED"],
    [{ reason: "superseded", invalidity_date: "yesterday" }, 400, "REQUEST_MALFORMED"],
    [{ reason: "remove_from_crl" }, 400, "REVOCATION_REASON_NOT_ALLOWED"],
  ])("not with %j", async (body, status, code) => {
    const { cert_id } = await issue(suite, "kept.vcc.internal");
    const answer = await suite.knock({ path: `/api/v1/certs/revoke/${cert_id}?organisation=brandenburg`, body });
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });
});
