import { randomUUID } from "node:crypto";
import { CertificateState, RevocationReason } from "@vcc-pki/proto/ca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa, OPERATOR } from "./harness.ts";

let suite: CaHarness;
let certificateId = "";
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-tsa-ca", "vcc-platform-ca"] });
  certificateId = (await suite.issue()).certificate?.certificateId ?? "";
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const id = () => randomUUID();
const start = { generation: 0, afterSequence: 0 };
async function first<T>(stream: AsyncIterable<T>): Promise<T | undefined> {
  for await (const message of stream) return message;
  return undefined;
}
const listRequest = {
  ...{ organisation: "", authorityId: "", profile: "", state: CertificateState.UNSPECIFIED, name: "" },
  ...{ expiresBefore: undefined, pageSize: 0, pageToken: "" },
};

describe("callers", () => {
  const call = (caller: string, requester?: string) => suite.as(caller, requester);
  const workload = "spiffe://vcc.internal/org/brandenburg/service/argus";
  const suiteOwn = (service: string, fields: object = {}) => ({
    ...{ requestId: id(), organisation: "", profile: "platform", authorityId: "", validitySeconds: 0 },
    csrDer: suite.csr({ uri: [`spiffe://vcc.internal/pki/${service}`] }),
    ...fields,
  });

  const revocation = () => ({
    ...{ requestId: id(), organisation: "", certificateId, reason: RevocationReason.UNSPECIFIED },
    invalidityDate: undefined,
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a workload lists certificates", () => call(workload).certificates.list(listRequest)],
    ["a workload revokes", () => call(workload).certificates.revoke(revocation())],
    ["an administrator goes past the gateway", () => call(OPERATOR).certificates.list(listRequest)],
    ["a workload follows everybody's status", () => first(call(workload).certificates.streamStatus(start))],
    ["the ca's peer follows everybody's status", () => first(call("tsa").certificates.streamStatus(start))],
    ["the ocsp service wants the certificates, too", () => first(call("ocsp").certificates.streamCertificates(start))],
    ["a workload asks who issues", () => call(workload).authorities.listIssuers({})],
    ["ocsp releases", () => call("ocsp").certificates.release({ requestId: id(), organisation: "", certificateId })],
    ["ocsp revokes", () => call("ocsp").certificates.revoke(revocation())],
    ["tsa asks about organisations", () => call("tsa").organisations.list({})],
    ["ocsp speaks for an administrator", () => call("ocsp", OPERATOR).certificates.issue(suiteOwn("ocsp"))],
  ])("are refused when %s, with a trace", async (_, attempt) => {
    const { sequence } = suite.store.audit.head();
    await expect(attempt()).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect
      .poll(() => suite.store.audit.read(sequence, 10))
      .toMatchObject([{ outcome: "refused", code: "CALLER_NOT_ALLOWED" }]);
  });

  it("of the suite get their own identity with the names configured for them, and no other", async () => {
    const names = { uri: ["spiffe://vcc.internal/pki/gateway"], dns: ["localhost"], ip: ["127.0.0.1"] };
    const { certificate } = await call("gateway", "spiffe://vcc.internal/pki/gateway").certificates.issue(
      suiteOwn("gateway", { csrDer: suite.csr(names) }),
    );
    expect(certificate).toMatchObject({
      organisation: "vcc",
      uris: names.uri,
      dnsNames: names.dns,
      ipAddresses: names.ip,
    });
    await expect(call("ocsp").certificates.issue(suiteOwn("ca"))).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    const greedy = suite.csr({ uri: ["spiffe://vcc.internal/pki/ocsp"], dns: ["localhost"] });
    await expect(call("ocsp").certificates.issue(suiteOwn("ocsp", { csrDer: greedy }))).rejects.toThrow(
      code("NAME_NOT_ALLOWED"),
    );
    await expect(call("ocsp").certificates.issue(suiteOwn("ocsp", { profile: "mtls_service" }))).rejects.toThrow(
      code("PROFILE_NOT_ALLOWED"),
    );
    await expect(call("ocsp").certificates.issue(suiteOwn("ocsp", { profile: "tsa_unit" }))).rejects.toThrow(
      code("PROFILE_NOT_ALLOWED"),
    );
  });

  it("may read trust bundles and CRLs whoever they are", async () => {
    await suite.ca.runChores();
    for (const caller of [workload, OPERATOR, "ocsp"]) {
      expect((await call(caller).authorities.getTrustBundle({})).rootsDer).toHaveLength(1);
      expect(
        (await call(caller).crls.get({ authorityId: "vcc-services-ca", shard: 0, delta: false })).crlNumber,
      ).toBeGreaterThan(0);
      expect((await call(caller).crls.list({})).crls.length).toBeGreaterThan(0);
    }
  });
});
