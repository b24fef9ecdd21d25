import { hash, randomUUID } from "node:crypto";
import { type DecideEnrolmentRequest, EnrolmentRequestState, ServiceState } from "@vcc-pki/proto/discovery";
import { parseCertificate, parseCertificationRequest } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery, STRANGER } from "./harness.ts";

let harness: DiscoveryHarness;
let service = "";
let count = 0;
beforeAll(async () => {
  harness = await newDiscovery();
});
beforeEach(() => {
  service = `clara-${++count}`;
});
afterEach(() => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
});
afterAll(() => harness.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const open = () => harness.as("", "gateway").enrolment;
const ask = (fields: object = {}) =>
  open().requestEnrolment({
    ...{ organisation: "brandenburg", service, csrDer: harness.csrOf(service), peerAddress: "10.1.2.3", ...fields },
  });
const decision = (enrolmentRequestId: string, approved = true): DecideEnrolmentRequest => ({
  ...{ requestId: randomUUID(), organisation: "", enrolmentRequestId, approved, profile: "" },
});
const decide = (asked: DecideEnrolmentRequest, requester = ADMIN) =>
  harness.as(requester).enrolment.decideEnrolment(asked);
const record = () => harness.as().registry.get({ organisation: "", service });

describe("a request for an identity", () => {
  it("waits for an administrator, who sees its key, and is claimed with its secret", async () => {
    const csrDer = harness.csrOf(service);
    const { enrolmentRequestId, secret } = await ask({ csrDer });
    const claim = { enrolmentRequestId, secret };
    expect((await open().claimEnrolment(claim)).state).toBe(EnrolmentRequestState.PENDING);
    const { requests } = await harness.as().enrolment.listEnrolmentRequests({
      ...{ organisation: "", state: EnrolmentRequestState.PENDING },
    });
    const shown = requests.find((each) => each.enrolmentRequestId === enrolmentRequestId);
    expect(shown).toMatchObject({ service, dnsNames: [`${service}.vcc.internal`], keyAlgorithm: "ec-p256" });
    expect(shown?.peerAddress).toBe("10.1.2.3");
    const spkiSha256 = hash("sha256", parseCertificationRequest(csrDer).spkiDer, "buffer");
    expect(Buffer.from(shown?.spkiSha256 ?? [])).toEqual(spkiSha256);
    await expect(record()).rejects.toThrow(code("NOT_FOUND"));

    await harness.grant(service);
    expect(await decide(decision(enrolmentRequestId))).toMatchObject({
      ...{ state: EnrolmentRequestState.APPROVED, decidedBy: ADMIN, profile: "mtls_service" },
    });
    expect((await record()).state).toBe(ServiceState.PENDING_CERT);
    const { state, identity } = await open().claimEnrolment(claim);
    expect(state).toBe(EnrolmentRequestState.CLAIMED);
    const [leafDer = new Uint8Array()] = identity?.chainDer ?? [];
    expect(parseCertificate(leafDer).subjectAltNames.uri).toEqual([identity?.spiffeId]);
    expect(await open().claimEnrolment(claim)).toEqual({ state, identity });
    expect((await record()).state).toBe(ServiceState.ACTIVE);
  });

  it("that is refused stays so", async () => {
    const { enrolmentRequestId, secret } = await ask();
    await decide(decision(enrolmentRequestId, false));
    await expect(decide(decision(enrolmentRequestId))).rejects.toThrow(code("ALREADY_EXISTS"));
    const claimed = await open().claimEnrolment({ enrolmentRequestId, secret });
    expect(claimed).toEqual({ state: EnrolmentRequestState.REFUSED, identity: undefined });
    await expect(record()).rejects.toThrow(code("NOT_FOUND"));
  });

  it("is forgotten after a day, and so is an approval that nobody has claimed", async () => {
    const [first, second] = [await ask(), await ask()];
    await harness.grant(service);
    await decide(decision(second.enrolmentRequestId));
    harness.clock.advance(86_400_000);
    await expect(decide(decision(first.enrolmentRequestId))).rejects.toThrow(code("ENROLMENT_REFUSED"));
    expect((await open().claimEnrolment(second)).state).toBe(EnrolmentRequestState.EXPIRED);
    await harness.discovery.runChores();
    await expect(open().claimEnrolment(first)).rejects.toThrow(code("NOT_FOUND"));
  });

  it("is not taken from anybody without end", async () => {
    for (let i = 0; i < 5; i++) await ask();
    await expect(ask()).rejects.toThrow(code("RATE_LIMITED"));
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["another service's CSR", () => ask({ csrDer: harness.csrOf("argus") }), "NAME_NOT_ALLOWED"],
    ["no CSR", () => ask({ csrDer: new Uint8Array() }), "CSR_MALFORMED"],
    ["no organisation", () => ask({ organisation: "" }), "REQUEST_MALFORMED"],
    ["a service that is none", () => ask({ service: "a/b" }), "REQUEST_MALFORMED"],
    ["a claim of nothing", () => open().claimEnrolment({ enrolmentRequestId: "x", secret: "y" }), "NOT_FOUND"],
  ])("is refused with %s", async (_, attempt, expected) => {
    await expect(attempt()).rejects.toThrow(code(expected));
  });

  it("is decided by administrators of its organisation alone, and claimed with its secret alone", async () => {
    const asked = await ask();
    await expect(decide(decision(asked.enrolmentRequestId), STRANGER)).rejects.toThrow(code("NOT_FOUND"));
    await expect(decide(decision(asked.enrolmentRequestId), CLARA)).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(open().claimEnrolment({ ...asked, secret: "a".repeat(43) })).rejects.toThrow(code("NOT_FOUND"));
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s,", (kind) => {
  it("of a decision: the repeat decides once", async () => {
    const { enrolmentRequestId } = await ask();
    const asked = decision(enrolmentRequestId);
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(decide(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    delete harness.storeFaults[kind];
    await harness.restart();
    expect((await decide(asked)).state).toBe(EnrolmentRequestState.APPROVED);
    const { changes } = await harness.as().registry.getHistory({ organisation: "", service });
    expect(changes.map(({ change }) => change)).toEqual(["approved", "registered"]);
  });
});
