import { generateKeyPairSync, hash, randomUUID } from "node:crypto";
import { type CreateTokenRequest, type EnrolRequest, ServiceState, TokenState } from "@vcc-pki/proto/discovery";
import { parseCertificate, parseCertificationRequest } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Counted, failCommitOf } from "./faults.ts";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery, STRANGER } from "./harness.ts";

let harness: DiscoveryHarness;
let service = "";
let count = 0;
beforeAll(async () => {
  harness = await newDiscovery();
});
beforeEach(() => {
  service = `covina-${++count}`;
});
afterEach(() => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
  harness.away.clear();
});
afterAll(() => harness.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const wish = (fields: Partial<CreateTokenRequest> = {}): CreateTokenRequest => ({
  ...{ requestId: randomUUID(), organisation: "", service, dnsNames: [`${service}.vcc.internal`], ipAddresses: [] },
  ...{ profile: "", validitySeconds: 0, network: "", spkiSha256: new Uint8Array(), ...fields },
});
const create = (fields: Partial<CreateTokenRequest> = {}, requester = ADMIN) =>
  harness.as(requester).enrolment.createToken(wish(fields));
/** A granted token. */
async function newToken(fields: Partial<CreateTokenRequest> = {}): Promise<string> {
  await harness.grant(service);
  return (await create(fields)).token;
}
const request = (token: string, fields: Partial<EnrolRequest> = {}): EnrolRequest => ({
  ...{ requestId: randomUUID(), attestation: { $case: "token", value: { token } }, peerAddress: "10.1.2.3" },
  ...{ csrDer: harness.csrOf(service), ...fields },
});
/** The gateway asks in nobody's name. */
const enrol = (asked: EnrolRequest) => harness.as("", "gateway").enrolment.enrol(asked);
const listed = async () => (await harness.as().enrolment.listTokens({ organisation: "", service })).tokens;
const record = () => harness.as().registry.get({ organisation: "", service });
const issued = () =>
  harness.ca.store.db
    .prepare<[string], number>("SELECT count(*) FROM certificates WHERE requester LIKE ?")
    .pluck()
    .get("%/pki/discovery") ?? 0;

/** Without requester: as for routes that are open to who has no certificate. */
describe("a token", () => {
  it("gives a service that nobody has registered its identity, and the registry knows it", async () => {
    const token = await newToken();
    const asked = request(token);
    const identity = await enrol(asked);
    const [leafDer = new Uint8Array()] = identity.chainDer;
    const leaf = parseCertificate(leafDer);
    expect(leaf.spkiDer).toEqual(parseCertificationRequest(asked.csrDer).spkiDer);
    expect(leaf.subjectAltNames).toMatchObject({ uri: [identity.spiffeId], dns: [`${service}.vcc.internal`] });
    expect(identity).toMatchObject({ organisation: "brandenburg", service, profile: "mtls_service" });
    expect(identity.chainDer).toHaveLength(2);
    expect(await record()).toMatchObject({ state: ServiceState.ACTIVE, approvedBy: ADMIN });
    expect((await record()).certificate?.certificateId).toBe(identity.certificateId);
    expect(await listed()).toMatchObject([{ state: TokenState.USED, usedAt: harness.clock.now(), createdBy: ADMIN }]);
  });

  it("raced by ten agents is won by one", async () => {
    const token = await newToken();
    const before = issued();
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => enrol(request(token))));
    const won = answers.filter(({ status }) => status === "fulfilled");
    const lost = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason.code] : []));
    expect([won.length, lost, issued() - before]).toEqual([1, Array(9).fill("ENROLMENT_TOKEN_USED"), 1]);
  });

  it("is used once; the same request finds the same certificate, long after", async () => {
    const asked = request(await newToken());
    const identity = await enrol(asked);
    harness.clock.advance(3_600_000);
    expect(await enrol({ ...asked, peerAddress: "10.9.9.9" })).toEqual(identity);
    await expect(enrol({ ...asked, csrDer: harness.csrOf(service) })).rejects.toThrow(code("REQUEST_ID_REUSED"));
    await expect(enrol({ ...asked, requestId: randomUUID() })).rejects.toThrow(code("ENROLMENT_TOKEN_USED"));
  });

  it("expires, after a quarter of an hour unless it is said", async () => {
    const [long, short] = [await newToken({ validitySeconds: 3600 }), await newToken()];
    harness.clock.advance(15 * 60_000);
    await expect(enrol(request(short))).rejects.toThrow(code("ENROLMENT_TOKEN_EXPIRED"));
    await enrol(request(long));
    expect((await listed()).map(({ state }) => state).sort()).toEqual([TokenState.EXPIRED, TokenState.USED].sort());
    await expect(create({ validitySeconds: 86_401 })).rejects.toThrow(code("VALIDITY_NOT_ALLOWED"));
  });

  it("can be revoked, and ends with its service", async () => {
    const [first, second] = [await newToken(), await newToken()];
    const [{ tokenId = "" } = {}] = (await listed()).filter(({ tokenId: id }) => first.includes(id));
    const revocation = { requestId: randomUUID(), organisation: "", tokenId };
    expect((await harness.as().enrolment.revokeToken(revocation)).state).toBe(TokenState.REVOKED);
    await expect(enrol(request(first))).rejects.toThrow(code("ENROLMENT_TOKEN_INVALID"));
    await harness.as().registry.remove({ requestId: randomUUID(), organisation: "", service });
    await expect(enrol(request(second))).rejects.toThrow(code("ENROLMENT_TOKEN_INVALID"));
    await expect(harness.as(STRANGER).enrolment.revokeToken(revocation)).rejects.toThrow(code("NOT_FOUND"));
  });

  it("does not outdo the ca: without grant there is no certificate, and the token is gone", async () => {
    const { token } = await create();
    const asked = request(token);
    await expect(enrol(asked)).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await harness.grant(service);
    await expect(enrol(asked)).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(enrol({ ...asked, requestId: randomUUID() })).rejects.toThrow(code("ENROLMENT_TOKEN_USED"));
    expect((await record()).state).toBe(ServiceState.PENDING_CERT);
  });

  it("takes names and profile from the registered service where it says nothing", async () => {
    await create();
    const { description } = await create({ dnsNames: [] });
    expect(description).toMatchObject({ dnsNames: [`${service}.vcc.internal`], profile: "mtls_service" });
  });
});

describe("a request leaves the token as it is when it", () => {
  it.each<[string, (asked: EnrolRequest) => Partial<EnrolRequest>, string]>([
    ["is for another service", () => ({ csrDer: harness.csrOf("clara") }), "NAME_NOT_ALLOWED"],
    [
      "has another name",
      () => ({ csrDer: harness.csrOf(service, { dns: ["clara.vcc.internal"] }) }),
      "NAME_NOT_ALLOWED",
    ],
    ["has an address", () => ({ csrDer: harness.csrOf(service, { ip: ["10.1.2.3"] }) }), "NAME_NOT_ALLOWED"],
    [
      "has a person's name",
      () => ({ csrDer: harness.csrOf(service, { email: ["a@vcc.internal"] }) }),
      "NAME_NOT_ALLOWED",
    ],
    ["has no SPIFFE id", () => ({ csrDer: harness.ca.csr({ dns: [`${service}.vcc.internal`] }) }), "NAME_NOT_ALLOWED"],
    ["is no request", () => ({ csrDer: new Uint8Array([48, 0]) }), "CSR_MALFORMED"],
    ["is signed by another key", ({ csrDer }) => ({ csrDer: spoilt(csrDer) }), "CSR_SIGNATURE_INVALID"],
    ["has a weak key", () => ({ csrDer: weak() }), "KEY_WEAK"],
    ["comes from another network", () => ({ peerAddress: "10.2.0.1" }), "ENROLMENT_REFUSED"],
    ["comes from nowhere", () => ({ peerAddress: "" }), "ENROLMENT_REFUSED"],
    ["has no request id", () => ({ requestId: "" }), "REQUEST_MALFORMED"],
    ["says nothing of the token", () => ({ attestation: undefined }), "REQUEST_MALFORMED"],
  ])("%s", async (_, change, expected) => {
    const asked = request(await newToken({ network: "10.1.0.0/16" }));
    await expect(enrol({ ...asked, ...change(asked) })).rejects.toThrow(code(expected));
    await enrol(asked);
  });

  const weak = () =>
    harness.ca.csr(
      { uri: [`spiffe://vcc.internal/org/brandenburg/service/${service}`] },
      { privateKey: generateKeyPairSync("rsa", { modulusLength: 3072, publicExponent: 3 }).privateKey },
    );
  const spoilt = (der: Uint8Array) => der.map((octet, i) => (i === der.length - 1 ? octet ^ 1 : octet));

  it("has another key than the one the token is for", async () => {
    const csrDer = harness.csrOf(service);
    const spkiSha256 = hash("sha256", parseCertificationRequest(csrDer).spkiDer, "buffer");
    const token = await newToken({ spkiSha256 });
    await expect(enrol(request(token))).rejects.toThrow(code("KEY_NOT_ALLOWED"));
    await enrol(request(token, { csrDer }));
  });
});

describe("who is refused", () => {
  it.each<[string, (token: string) => string]>([
    ["a token of nobody", () => `vcc-enrol-1.${"A".repeat(16)}.${"A".repeat(43)}`],
    ["another secret", (token) => `${token.slice(0, -43)}${"A".repeat(43)}`],
    ["no token", () => "secret"],
  ])("%s", async (_, change) => {
    const token = await newToken();
    await expect(enrol(request(change(token)))).rejects.toThrow(code("ENROLMENT_TOKEN_INVALID"));
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["a workload that makes tokens", () => create({}, CLARA), "CALLER_NOT_ALLOWED"],
    ["a stranger", () => create({ organisation: "brandenburg" }, STRANGER), "NOT_FOUND"],
    ["a caller past the gateway", () => harness.as(ADMIN, "tsa").enrolment.createToken(wish()), "CALLER_NOT_ALLOWED"],
    ["a workload past the gateway", () => harness.as("", CLARA).enrolment.enrol(request("x")), "CALLER_NOT_ALLOWED"],
    ["a network that is none", () => create({ network: "10.1.2.3/8" }), "REQUEST_MALFORMED"],
    ["a digest that is none", () => create({ spkiSha256: new Uint8Array(20) }), "REQUEST_MALFORMED"],
    ["a profile of people", () => create({ profile: "admin" }), "PROFILE_NOT_ALLOWED"],
    ["a service that is none", () => create({ service: "a/b" }), "REQUEST_MALFORMED"],
  ])("%s", async (_, attempt, expected) => {
    await expect(attempt()).rejects.toThrow(code(expected));
    expect(await listed()).toEqual([]);
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s,", (kind) => {
  const recover = async () => {
    delete harness.storeFaults[kind];
    await harness.restart();
  };

  it.each<[string, Counted]>([
    ["the intent", "enrolments"],
    ["the certificate", "enrolments WHERE certificate_id IS NOT NULL"],
  ])("of %s: the repeat gives the one certificate there is", async (_, what) => {
    const asked = request(await newToken());
    const before = issued();
    failCommitOf(harness, kind, what);
    await expect(enrol(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    const identity = await enrol(asked);
    expect(await enrol(asked)).toEqual(identity);
    expect(issued() - before).toBe(1);
    const { changes } = await harness.as().registry.getHistory({ organisation: "", service });
    expect(changes.filter(({ change }) => change === "certified")).toHaveLength(1);
    expect((await record()).state).toBe(ServiceState.ACTIVE);
  });

  it("of a token: it is told to nobody, and the repeat says so", async () => {
    const asked = wish();
    failCommitOf(harness, kind, "enrolment_tokens");
    await expect(harness.as().enrolment.createToken(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    const repeat = harness.as().enrolment.createToken(asked);
    if (kind === "beforeCommit") expect((await repeat).token).toMatch(/^vcc-enrol-1\./);
    else await expect(repeat).rejects.toThrow(code("REQUEST_ID_REUSED"));
    expect(await listed()).toHaveLength(1);
  });
});

describe("without the ca", () => {
  it("nothing is certified; the same request is, when it is back", async () => {
    const asked = request(await newToken());
    harness.away.add("ca");
    await expect(enrol(asked)).rejects.toThrow(code("PEER_UNAVAILABLE"));
    await expect(enrol({ ...asked, requestId: randomUUID() })).rejects.toThrow(code("ENROLMENT_TOKEN_USED"));
    harness.away.clear();
    await enrol(asked);
  });
});
