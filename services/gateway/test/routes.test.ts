import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateTestKey } from "@vcc-pki/testkit/hierarchy";
import {
  createCertificationRequest,
  type GeneralNamesInput,
  parseCertificate,
  parseCertificateList,
  pemDecode,
  pemEncode,
} from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newSuite, OPERATOR, type Suite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await newSuite();
});
afterAll(() => suite.close());

const csrFor = (names: GeneralNamesInput = { dns: ["argus.vcc.internal"] }): Buffer =>
  Buffer.from(createCertificationRequest({ privateKey: generateTestKey().privateKey, subjectAltNames: names }));

const PROFILE = "mtls_service";
const REQUEST = "/api/v1/certs/request?organisation=brandenburg";
const issue = async (dns = "argus.vcc.internal"): Promise<Record<string, string>> => {
  const csr = pemEncode("CERTIFICATE REQUEST", csrFor({ dns: [dns] }));
  const answer = await suite.knock({ path: REQUEST, body: { profile: PROFILE, csr } });
  expect(answer.status).toBe(201);
  return answer.json() as Record<string, string>;
};

describe("a certificate is issued", () => {
  it("for a CSR in PEM; OpenSSL accepts the chain", async () => {
    const issued = await issue();
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
    ["a profile of the suite's own", { profile: "platform" }, 404, "NOT_FOUND"],
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

describe("a certificate is found", () => {
  it("by id and by serial number, as JSON, PEM or DER", async () => {
    const { cert_id, serial_number, certificate_pem } = await issue("found.vcc.internal");
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
    for (const name of names) await issue(name);
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
    const { cert_id, serial_number = "" } = await issue("revoked.vcc.internal");
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
    const { cert_id } = await issue("kept.vcc.internal");
    const answer = await suite.knock({ path: `/api/v1/certs/revoke/${cert_id}?organisation=brandenburg`, body });
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });
});

describe("authorities", () => {
  it("are listed and read, as JSON, PEM and DER, with their chain", async () => {
    const { authorities } = (await suite.knock({ path: "/api/v1/ca/list" })).json() as {
      authorities: { ca_id: string }[];
    };
    expect(authorities.map(({ ca_id }) => ca_id).sort()).toContain("vcc-root-ca");
    const services = (await suite.knock({ path: "/api/v1/ca/vcc-services-ca" })).json();
    expect(services).toMatchObject({
      parent_ca_id: "vcc-root-ca",
      status: "active",
      token: expect.stringContaining("software token"),
    });
    const path = "/api/v1/ca/vcc-services-ca/certificate";
    const pem = await suite.knock({ path });
    const der = await suite.knock({ path, headers: { accept: "application/pkix-cert" } });
    expect(Buffer.from(pemDecode(pem.text)[0] ?? [])).toEqual(der.body);
    const chain = await suite.knock({ path: "/api/v1/ca/vcc-services-ca/chain" });
    expect(pemDecode(chain.text)).toHaveLength(2);
    const bundle = await suite.knock({ path: "/api/v1/trust/bundle" });
    expect(bundle.text.startsWith(suite.trustPem)).toBe(true);
  });

  it("are created below one that needs no custodians, and revoked", async () => {
    const body = {
      ...{ ca_id: "partner-ca", parent_ca_id: "vcc-external-orgs-ca", common_name: "Partner Issuing CA" },
      ...{ key_algorithm: "ec-p256", profiles: ["external_integration"] },
      name_constraints: { permitted_dns: ["bayern.example"] },
    };
    const path = "/api/v1/ca/create-issuing-ca";
    const created = await suite.knock({ path, body });
    expect([created.status, created.headers.location]).toEqual([201, "/api/v1/ca/partner-ca"]);
    expect(created.json()).toMatchObject({ ca_id: "partner-ca", status: "active" });
    const twice = await suite.knock({ path, body });
    expect([twice.status, twice.json().code]).toEqual([409, "ALREADY_EXISTS"]);
    const revoked = await suite.knock({
      path: "/api/v1/ca/revoke/partner-ca",
      body: { reason: "cessation_of_operation" },
    });
    expect(revoked.json()).toMatchObject({ ca_id: "partner-ca", status: "revoked" });
  });

  it("below the root wait for custodians, whose decisions travel through the door", async () => {
    const path = "/api/v1/ca/create-issuing-ca";
    const body = {
      ca_id: "vcc-new-ca",
      parent_ca_id: "vcc-root-ca",
      common_name: "VCC New CA",
      key_algorithm: "ec-p256",
    };
    const headers = { "idempotency-key": "new-ca-1" };
    const ask = () => suite.knock({ path, body: { ...body, may_issue_authorities: true }, headers });
    const first = await ask();
    const { approval_id, status_url } = first.json() as Record<string, string>;
    expect([first.status, first.headers.location]).toEqual([202, status_url]);
    expect((await suite.knock({ path: "/api/v1/ca/vcc-new-ca" })).json()).toMatchObject({
      status: "pending",
      approval_id,
    });

    const { approvals } = (await suite.knock({ path: "/api/v1/approvals?status=pending" })).json() as {
      approvals: { approval_id: string }[];
    };
    expect(approvals.map((approval) => approval.approval_id)).toContain(approval_id);
    await suite.approve(approval_id ?? "");
    expect((await suite.knock({ path: status_url ?? "" })).json()).toMatchObject({ status: "executed", threshold: 2 });
    const second = await ask();
    expect([second.status, second.json().status]).toEqual([201, "active"]);
  });

  it.each([
    [{ ca_id: "no-parent-ca", common_name: "x" }, "REQUEST_MALFORMED"],
    [{ ca_id: "BAD", parent_ca_id: "vcc-root-ca", common_name: "x" }, "REQUEST_MALFORMED"],
    [{ ca_id: "orphan-ca", parent_ca_id: "no-such-ca", common_name: "x" }, "NOT_FOUND"],
    [
      { ca_id: "odd-ca", parent_ca_id: "vcc-external-orgs-ca", common_name: "x", key_algorithm: "rot13" },
      "KEY_NOT_ALLOWED",
    ],
  ])("are not created from %j", async (body, code) => {
    const answer = await suite.knock({ path: "/api/v1/ca/create-issuing-ca", body });
    expect(answer.json().code).toBe(code);
  });
});

describe("decisions of custodians", () => {
  const decide = (body: object) => suite.knock({ path: "/api/v1/approvals/no-such-approval/decisions", body });

  it.each([
    [{ custodian_id: "anna", decision: "maybe", signature: "AAAA" }, 400, "REQUEST_MALFORMED"],
    [{ custodian_id: "anna", decision: "approve", signature: "not base64!" }, 400, "REQUEST_MALFORMED"],
    [{ custodian_id: "anna", decision: "approve", signature: "AAAA" }, 404, "NOT_FOUND"],
  ])("%j", async (body, status, code) => {
    const answer = await decide(body);
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });
});

describe("organisations, profiles, health", () => {
  it("an organisation is created and a person may act for it once granted, until the grant ends", async () => {
    const body = {
      org_id: "hessen",
      org_name: "Hessen",
      allowed_names: ["*.hessen.example"],
      ca_ids: ["vcc-services-ca"],
    };
    const created = await suite.knock({ path: "/api/v1/organisations", body });
    expect([created.status, created.json().isolation_level]).toEqual([201, "strict"]);
    const inHessen = () => suite.knock({ path: "/api/v1/certs/list?organisation=hessen" });
    expect((await inHessen()).status).toBe(404);
    const members = "/api/v1/organisations/hessen/members";
    expect((await suite.knock({ path: members, body: { identity: OPERATOR } })).json()).toEqual({
      org_id: "hessen",
      identity: OPERATOR,
    });
    expect((await inHessen()).status).toBe(200);
    await suite.knock({ path: `${members}/revoke`, body: { identity: OPERATOR } });
    expect((await inHessen()).status).toBe(404);
    const { organisations } = (await suite.knock({ path: "/api/v1/organisations" })).json() as {
      organisations: { org_id: string }[];
    };
    expect(organisations.map(({ org_id }) => org_id)).toContain("hessen");
  });

  it("profiles are listed and shown as they are configured", async () => {
    const { profiles } = (await suite.knock({ path: "/api/v1/profiles" })).json() as {
      profiles: { profile: string }[];
    };
    expect(profiles.map(({ profile }) => profile)).toContain(PROFILE);
    expect((await suite.knock({ path: `/api/v1/profiles/${PROFILE}` })).json().yaml).toContain(`profile: ${PROFILE}`);
    expect((await suite.knock({ path: "/api/v1/profiles/nothing" })).json().code).toBe("PROFILE_UNKNOWN");
  });

  it("health tells about the services behind the door", async () => {
    expect((await suite.knock({ path: "/api/v1/health" })).json()).toMatchObject({
      ...{ status: "ok", components: { ca: "ok", "hsm-gateway": "ok" } },
    });
  });
});
