import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import {
  buildCertId,
  buildOcspRequest,
  type Certificate,
  issuerHashes,
  parseCertificate,
  parseCertificateList,
  parseOcspResponse,
  pemDecode,
  pemEncode,
  verifyOcspResponse,
} from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpResponder } from "../src/responder.ts";
import { refused } from "./https.ts";
import { issue } from "./requests.ts";
import { newSuite, type Suite } from "./suite.ts";

const OCSP_REQUEST = { "content-type": "application/ocsp-request" };
const path = "/api/v1/ocsp";
const NEVER_ISSUED = "5a".repeat(19);

let suite: Suite;
let issuer: Certificate;
beforeAll(async () => {
  suite = await newSuite();
  const chain = await suite.knock({ path: "/api/v1/ca/vcc-services-ca/certificate" });
  issuer = parseCertificate(pemDecode(chain.text)[0] ?? new Uint8Array());
});
afterAll(() => suite.close());

async function known(dns: string) {
  const { cert_id = "", serial_number = "", certificate_pem = "" } = await issue(suite, dns);
  await suite.ocsp.refresh();
  return { cert_id, serial_number, certificate_pem };
}
const act = async (what: "revoke" | "release", certId: string, body?: object) => {
  const answer = await suite.knock({ path: `/api/v1/certs/${what}/${certId}`, method: "POST", body });
  await suite.ocsp.refresh();
  return answer;
};

describe("a question in DER", () => {
  const ask = (serial: Uint8Array, nonce: Uint8Array) => {
    const body = Buffer.from(buildOcspRequest([buildCertId(issuerHashes(issuer).sha256, serial)], nonce));
    return suite.knock({ path, body, headers: OCSP_REQUEST });
  };

  it("is answered by the responder, for this very question", async () => {
    const { cert_id, certificate_pem } = await known("der.vcc.internal");
    const { serial } = parseCertificate(pemDecode(certificate_pem)[0] ?? new Uint8Array());
    const statusNow = async () => {
      const nonce = new Uint8Array(32).fill(7);
      const answer = await ask(serial, nonce);
      expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/ocsp-response"]);
      return verifyOcspResponse(parseOcspResponse(answer.body), { issuer, serial, nonce, at: suite.clock.now() })
        .response;
    };
    expect(await statusNow()).toMatchObject({ status: "good" });
    expect((await act("revoke", `${cert_id}?organisation=brandenburg`, { reason: "key_compromise" })).status).toBe(200);
    expect(await statusNow()).toMatchObject({ status: "revoked", reason: "keyCompromise" });
  });

  it("that is none is answered in band, as by the responder itself", async () => {
    const answer = await suite.knock({ path, body: Buffer.from("garbage"), headers: OCSP_REQUEST });
    expect(answer.status).toBe(200);
    expect(parseOcspResponse(answer.body)).toEqual({ responseStatus: "malformedRequest" });
  });
});

describe("a question in JSON", () => {
  const ask = (body: object) => suite.knock({ path, body });

  it("is answered whichever way the certificate is named", async () => {
    const { cert_id, serial_number, certificate_pem } = await known("json.vcc.internal");
    const named = [{ certificate: certificate_pem }, { cert_id }, { ca_id: "vcc-services-ca", serial_number }];
    const answers = async () => Promise.all(named.map(async (body) => (await ask(body)).json()));
    const good = { ca_id: "vcc-services-ca", serial_number, status: "good", as_of: expect.any(String) };
    expect(await answers()).toEqual(named.map(() => ({ ...good, expires_at: expect.any(String) })));

    await act("revoke", `${cert_id}?organisation=brandenburg`, { reason: "superseded" });
    const revoked = { serial_number, status: "revoked", revocation_reason: "superseded" };
    expect(await answers()).toMatchObject(named.map(() => ({ ...revoked, revoked_at: expect.any(String) })));
    const never = await ask({ ca_id: "vcc-services-ca", serial_number: NEVER_ISSUED });
    expect(never.json()).toMatchObject({ status: "unknown", serial_number: NEVER_ISSUED });
  });

  it.each([
    ["nothing", {}, 400, "REQUEST_MALFORMED"],
    ["two names at once", { cert_id: "vcc-services-ca:01", ca_id: "vcc-services-ca" }, 400, "REQUEST_MALFORMED"],
    ["a serial number without its authority", { cert_id: "0102" }, 400, "REQUEST_MALFORMED"],
    ["half a name", { ca_id: "vcc-services-ca" }, 400, "REQUEST_MALFORMED"],
    ["a serial number that is none", { ca_id: "vcc-services-ca", serial_number: "xyz" }, 400, "REQUEST_MALFORMED"],
    ["an authority that does not exist", { ca_id: "vcc-no-ca", serial_number: "01" }, 404, "NOT_FOUND"],
    ["no certificate", { certificate: "hello" }, 400, "CERTIFICATE_MALFORMED"],
    ["a broken certificate", { certificate: pemEncode("CERTIFICATE", Buffer.alloc(9)) }, 400, "CERTIFICATE_MALFORMED"],
    ["a certificate of somebody else", { certificate: foreign() }, 404, "NOT_FOUND"],
  ])("about %s is refused", async (_what, body, status, code) => {
    const answer = await ask(body);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });
});

it.each([
  ["no body", "", OCSP_REQUEST, 400, "REQUEST_MALFORMED"],
  ["more than a responder takes", Buffer.alloc(10 * 1024 + 1), OCSP_REQUEST, 413, "REQUEST_TOO_LARGE"],
  ["far more", Buffer.alloc(70 * 1024), OCSP_REQUEST, 413, "REQUEST_TOO_LARGE"],
  ["another type", Buffer.alloc(9), { "content-type": "application/pkcs10" }, 415, "MEDIA_TYPE_NOT_SUPPORTED"],
])("%s is refused", async (_what, body, headers, status, code) => {
  const answer = await suite.knock({ path, method: "POST", body, headers });
  expect([answer.status, answer.json().code]).toEqual([status, code]);
});

it("a question of this type is taken nowhere else", async () => {
  const other = "/api/v1/certs/request?profile=mtls_service";
  const answer = await suite.knock({ path: other, body: Buffer.alloc(9), headers: OCSP_REQUEST });
  expect([answer.status, answer.json().code]).toEqual([415, "MEDIA_TYPE_NOT_SUPPORTED"]);
});

it("nobody asks without a certificate", async () => {
  expect(await refused(suite.knock({ path, body: {}, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
});

describe("a responder that does not do its part", () => {
  it.each([
    ["is away", undefined],
    ["answers with a page", { status: 200, type: "text/html" }],
    ["answers that it cannot", { status: 500, type: "application/ocsp-response" }],
  ])("%s: PEER_UNAVAILABLE", async (_what, answer) => {
    const server = createServer((_request, response) =>
      response.writeHead(answer?.status ?? 500, { "content-type": answer?.type }).end("x"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    if (answer === undefined) await new Promise((resolve) => server.close(resolve));
    const asked = httpResponder(`http://127.0.0.1:${port}`).ask(Buffer.alloc(3));
    await expect(asked).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
    server.close();
  });
});

describe("a hold", () => {
  it("ends with its release, and only a hold does", async () => {
    const person = await suite.person("brandenburg", "hella");
    const certId = `${person.certificateId}?organisation=brandenburg`;
    const status = async () => (await suite.knock({ path, body: { cert_id: person.certificateId } })).json();
    const knocks = async () => (await suite.knock({ path: "/api/v1/profiles", as: person })).status;
    expect(await knocks()).toBe(200);

    const held = await act("revoke", certId, { reason: "certificate_hold" });
    expect(held.json()).toMatchObject({ status: "revoked", revocation_reason: "certificate_hold" });
    expect(await status()).toMatchObject({ status: "revoked", revocation_reason: "certificate_hold" });
    suite.clock.advance(5_000);
    expect(await knocks()).toBe(401);

    expect((await act("release", certId)).json()).toMatchObject({ status: "valid" });
    expect(await status()).toMatchObject({ status: "good" });
    suite.clock.advance(5_000);
    expect(await knocks()).toBe(200);

    const again = await act("release", certId);
    expect([again.status, again.json().code]).toEqual([409, "CERTIFICATE_NOT_ON_HOLD"]);
    await act("revoke", certId, { reason: "key_compromise" });
    expect((await act("release", certId)).json().code).toBe("CERTIFICATE_NOT_ON_HOLD");
  });
});

describe("a list", () => {
  it("is the one that was asked for, by shard and kind", async () => {
    await suite.ca.runChores();
    const full = await suite.knock({ path: "/api/v1/crl/vcc-services-ca?shard=0&delta=false" });
    expect(parseCertificateList(full.body).known.deltaCrlIndicator).toBeUndefined();
    const missing = await suite.knock({ path: "/api/v1/crl/vcc-services-ca?shard=7" });
    expect([missing.status, missing.json().code]).toEqual([404, "NOT_FOUND"]);
  });

  it.each(["shard=-1", "shard=x", "shard=65536", "delta=maybe", "kind=full"])("not with %s", async (query) => {
    const answer = await suite.knock({ path: `/api/v1/crl/vcc-services-ca?${query}` });
    expect([answer.status, answer.json().code]).toEqual([400, "REQUEST_MALFORMED"]);
  });
});

function foreign(): string {
  return pemEncode("CERTIFICATE", createTestHierarchy().issue().certificate.der);
}
