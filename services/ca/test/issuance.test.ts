import { generateKeyPairSync, randomUUID } from "node:crypto";
import { CertificateState } from "@vcc-pki/proto/ca";
import { parseCertificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa, OPERATOR } from "./harness.ts";

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa();
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("issuance", () => {
  it("answers with the certificate, its facts and its chain", async () => {
    const { certificate, chainDer } = await suite.issue({ names: { dns: ["argus.vcc.internal"], ip: ["10.1.2.3"] } });
    expect(certificate).toMatchObject({
      ...{ organisation: "brandenburg", authorityId: "vcc-services-ca", profile: "mtls_service", profileVersion: 1 },
      ...{
        subject: "CN=argus.vcc.internal,O=Land Brandenburg",
        dnsNames: ["argus.vcc.internal"],
        ipAddresses: ["10.1.2.3"],
      },
      ...{ state: CertificateState.VALID, requester: OPERATOR, keyAlgorithm: "ec-p256" },
    });
    expect(certificate?.certificateId).toBe(`vcc-services-ca:${certificate?.serialHex}`);
    const [leaf, issuer, ...others] = chainDer.map(parseCertificate);
    expect(others).toEqual([]);
    expect(leaf?.issuer.der).toEqual(issuer?.subject.der);
    expect(leaf?.authorityKeyIdentifier).toEqual(issuer?.subjectKeyIdentifier);
    expect(leaf?.serial).toHaveLength(19);
  });

  it("stores the certificate, two audit records and an event, together", async () => {
    const before = suite.store.audit.head().sequence;
    const { certificate } = await suite.issue();
    const records = suite.store.audit.read(before, 10);
    expect(records).toMatchObject([
      { action: "certificate.issue", outcome: "requested", requester: OPERATOR, organisation: "brandenburg" },
      { action: "certificate.issue", outcome: "done", target: certificate?.certificateId },
    ]);
    const [event] = suite.store.outbox.pending(1_000).slice(-1);
    expect(event).toMatchObject({
      ...{ subject: "pki.brandenburg.certificate.issued", type: "pki.certificate.issued.v1" },
      data: { certificateId: certificate?.certificateId, profile: "mtls_service", dnsNames: ["argus.vcc.internal"] },
    });
    expect(suite.store.db.prepare("SELECT count(*) FROM issuance_intents").pluck().get()).toBe(0);
  });

  it("gives the same certificate for the same request id, also when asked twice at once", async () => {
    const request = { requestId: randomUUID(), csrDer: suite.csr({ dns: ["clara.vcc.internal"] }) };
    const [first, second] = await Promise.all([suite.issue(request), suite.issue(request)]);
    const third = await suite.issue(request);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
  });

  it("refuses a request id that was used for something else", async () => {
    const requestId = randomUUID();
    await suite.issue({ requestId });
    await expect(suite.issue({ requestId })).rejects.toThrow(code("REQUEST_ID_REUSED")); // another key
  });

  it("keeps request ids of different requesters apart", async () => {
    const requestId = randomUUID();
    await suite.issue({ requestId });
    const platform = { requestId, profile: "platform", organisation: "", authorityId: "", validitySeconds: 0 };
    const csrDer = suite.csr({ uri: ["spiffe://vcc.internal/pki/ocsp"] });
    const { certificate } = await suite.as("ocsp").certificates.issue({ ...platform, csrDer });
    expect(certificate?.organisation).toBe("vcc");
  });

  it.each(["", " ", "a b", "x".repeat(129), "ü"])("refuses the request id %j", async (requestId) => {
    await expect(suite.issue({ requestId })).rejects.toThrow(code("REQUEST_MALFORMED"));
  });

  it("repeats a common name that repeats a name, and takes nothing else from the subject", async () => {
    const { buildName } = await import("@vcc-pki/x509");
    const names = { dns: ["a.vcc.internal", "b.vcc.internal"] };
    const csrDer = suite.csr(names, { subject: buildName([["CN", "b.vcc.internal"]]) });
    const { certificate } = await suite.issue({ csrDer });
    expect(certificate?.subject).toBe("CN=a.vcc.internal,O=Land Brandenburg");
  });

  it("may be asked for less life, not for more", async () => {
    const { certificate } = await suite.issue({ validitySeconds: 86_400 });
    expect((certificate?.notAfter?.getTime() ?? 0) - (certificate?.notBefore?.getTime() ?? 0)).toBe(86_399_000);
    await expect(suite.issue({ validitySeconds: 91 * 86_400 })).rejects.toThrow(code("VALIDITY_NOT_ALLOWED"));
  });

  it("writes names in lower case", async () => {
    const { certificate } = await suite.issue({ names: { dns: ["Argus.VCC.internal"] } });
    expect(certificate?.dnsNames).toEqual(["argus.vcc.internal"]);
  });

  it("never gives a serial number twice", async () => {
    const issued = await Promise.all(Array.from({ length: 50 }, () => suite.issue()));
    expect(new Set(issued.map(({ certificate }) => certificate?.serialHex)).size).toBe(50);
  });

  it("renews the same key for the same organisation and purpose", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const csr = () => suite.csr({ dns: ["vpb.vcc.internal"] }, { privateKey });
    await suite.issue({ csrDer: csr() });
    await suite.issue({ csrDer: csr() });
  });
});

describe("renewal by the workload itself", () => {
  const uri = "spiffe://vcc.internal/org/brandenburg/service/veritas";
  const names = { dns: ["veritas.vcc.internal"], uri: [uri] };
  const renew = (fields: object) =>
    suite.as(uri).certificates.issue({
      ...{
        requestId: randomUUID(),
        organisation: "",
        profile: "mtls_service",
        csrDer: suite.csr(names),
        authorityId: "",
        validitySeconds: 0,
      },
      ...fields,
    });

  it("needs a valid certificate of that profile for those very names", async () => {
    await expect(renew({})).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    const held = await suite.issue({ names });
    expect((await renew({})).certificate?.requester).toBe(uri);

    await expect(renew({ profile: "mtls_service_short" })).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    const more = { ...names, dns: ["veritas.vcc.internal", "argus.vcc.internal"] };
    await expect(renew({ csrDer: suite.csr(more) })).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    expect(held.certificate?.uris).toEqual([uri]);
  });

  it("ends with the revocation of everything it held", async () => {
    const { certificates } = suite.as();
    const page = await certificates.list({ ...everything, name: uri });
    for (const { certificateId } of page.certificates) {
      const fields = { requestId: randomUUID(), organisation: "brandenburg", certificateId, invalidityDate: undefined };
      await certificates.revoke({ ...fields, reason: "REVOCATION_REASON_SUPERSEDED" });
    }
    await expect(renew({})).rejects.toThrow(code("NAME_NOT_ALLOWED"));
  });

  const everything = {
    ...{ organisation: "brandenburg", authorityId: "", profile: "", state: CertificateState.UNSPECIFIED, name: "" },
    ...{ expiresBefore: undefined, pageSize: 0, pageToken: "" },
  };
});
