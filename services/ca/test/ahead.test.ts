import { randomUUID } from "node:crypto";
import { type PublishCrlRequest, RevocationReason } from "@vcc-pki/proto/ca";
import { parseCertificate, parseCertificateList } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failCommit } from "./faults.ts";
import { type CaHarness, newCa, OPERATOR } from "./harness.ts";
import { openSsl } from "./openssl.ts";

const ROOT = "vcc-root-ca";
const DAY_MS = 86_400_000;
/** 90 days of life, of which each list has 60 until the next takes over. */
const config = { crl: { underQuorumValidity: "90d" } };

let suite: CaHarness;
beforeEach(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-platform-ca"], config });
});
afterEach(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const requestOf = (fields: Partial<PublishCrlRequest> = {}) => ({
  ...{ requestId: randomUUID(), organisation: "vcc", authorityId: ROOT, ahead: 4 },
  ...fields,
});
const publish = (request: PublishCrlRequest) => suite.as().crls.publish(request);
const current = async () => {
  const { crlDer } = await suite.as("ocsp", undefined).crls.get({ authorityId: ROOT, shard: 0, delta: false });
  return parseCertificateList(crlDer);
};

/** The approvals that a list, or several, wait for. */
async function waitsFor(request: PublishCrlRequest): Promise<string[]> {
  const error = await publish(request).catch((failure) => failure);
  expect(error.code).toBe("APPROVAL_REQUIRED");
  return error.details.approvalIds.split(",");
}

async function publishAhead(ahead = 4): Promise<PublishCrlRequest> {
  const request = requestOf({ ahead });
  for (const approvalId of await waitsFor(request)) await suite.approve(approvalId);
  await publish(request);
  return request;
}

async function revokeServices(): Promise<string> {
  const { certificateDer } = await suite.as().authorities.get({ organisation: "vcc", authorityId: "vcc-services-ca" });
  const reason = RevocationReason.SUPERSEDED;
  await suite
    .as("ceremony", OPERATOR)
    .authorities.revoke({ requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-services-ca", reason });
  return parseCertificate(certificateDer).serialHex;
}

async function approvePending(): Promise<void> {
  const { approvals } = await suite.hsm.as("ceremony").approvals.list({ state: "APPROVAL_STATE_PENDING" });
  for (const { approvalId } of approvals) await suite.approve(approvalId);
}

describe("lists signed ahead", () => {
  it("are approved in one go, and take over one after the other", async () => {
    const request = requestOf();
    const approvalIds = await waitsFor(request);
    expect(new Set(approvalIds).size).toBe(4);
    await expect(current()).rejects.toThrow(code("NOT_FOUND"));
    for (const approvalId of approvalIds) await suite.approve(approvalId);
    const published = await publish(request);

    const begins = suite.clock.now().getTime();
    const tool = openSsl();
    const { rootsDer } = await suite.as().authorities.getTrustBundle({});
    tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
    for (let i = 0; i < 4; i++) {
      const crl = await current();
      expect(crl.crlNumber).toBe(BigInt(published.crlNumber + i));
      expect(crl.thisUpdate.getTime()).toBe(begins + i * 60 * DAY_MS);
      expect(crl.nextUpdate?.getTime()).toBe(begins + (i * 60 + 90) * DAY_MS);
      expect(crl.known.issuingDistributionPoint).toMatchObject({ onlyContainsCaCerts: true });
      tool.pem("crl.pem", "X509 CRL", crl.der);
      tool.run("crl", "-in", "crl.pem", "-CAfile", "root.pem", "-noout");
      suite.clock.advance(60 * DAY_MS - 1_000);
      expect((await current()).crlNumber).toBe(crl.crlNumber);
      suite.clock.advance(1_000);
    }
    tool.close();
  });

  it("are announced when they are in force, not before", async () => {
    const told = () =>
      suite.store.outbox
        .pending(1_000)
        .filter(
          ({ type, data }) => type === "pki.crl.published.v1" && (data as { authorityId: string }).authorityId === ROOT,
        )
        .map(({ data }) => (data as { crlNumber: number }).crlNumber);
    await publishAhead();
    const first = Number((await current()).crlNumber);
    expect(told()).toEqual([first]);
    for (let i = 1; i <= 2; i++) {
      suite.clock.advance(60 * DAY_MS);
      await suite.ca.runChores();
      await suite.ca.runChores();
      expect(told()).toEqual([first, first + 1, first + 2].slice(0, i + 1));
      expect(Number((await current()).crlNumber)).toBe(first + i);
    }
    const { crls } = await suite.as("ocsp", undefined).crls.list({});
    expect(crls.filter(({ authorityId }) => authorityId === ROOT)).toHaveLength(1);
  });

  it("leave the custodians in peace until the last of them is two thirds through", async () => {
    await publishAhead();
    const pending = async () => {
      await suite.ca.runChores();
      return (await suite.hsm.as("ceremony").approvals.list({ state: "APPROVAL_STATE_PENDING" })).approvals.length;
    };
    suite.clock.advance(239 * DAY_MS);
    expect(await pending()).toBe(0);
    suite.clock.advance(DAY_MS);
    expect(await pending()).toBe(1);
  });

  it("survive a restart", async () => {
    await publishAhead();
    const before = await current();
    await suite.restart();
    expect((await current()).crlNumber).toBe(before.crlNumber);
    suite.clock.advance(60 * DAY_MS);
    expect((await current()).crlNumber).toBe((before.crlNumber ?? 0n) + 1n);
  });

  it("are superseded by the list of a revocation", async () => {
    const request = await publishAhead();
    const serialHex = await revokeServices();
    suite.clock.advance(1_000);
    await suite.ca.runChores();
    await approvePending();
    await suite.ca.runChores();
    const crl = await current();
    expect(crl.findRevoked(serialHex)?.reason).toBe("superseded");
    suite.clock.advance(61 * DAY_MS);
    expect((await current()).crlNumber).toBe(crl.crlNumber);
    expect((await publish(request)).crlNumber).toBe(Number(crl.crlNumber));
  });

  it("are dropped while they wait for custodians when something is revoked", async () => {
    const request = requestOf();
    await waitsFor(request);
    const serialHex = await revokeServices();
    suite.clock.advance(1_000);
    await suite.ca.runChores();
    await approvePending();
    await suite.ca.runChores(); // the one for now, as it was approved
    await approvePending();
    await suite.ca.runChores();
    expect((await current()).findRevoked(serialHex)).toBeDefined();
    await expect(publish(request)).rejects.toThrow(code("APPROVAL_REFUSED"));
    suite.clock.advance(61 * DAY_MS);
    expect((await current()).findRevoked(serialHex)).toBeDefined();
  });

  it("are given up with the one that custodians refuse, and the others stay", async () => {
    const request = requestOf({ ahead: 2 });
    const [first = "", second = ""] = await waitsFor(request);
    await suite.approve(first);
    const { approvals } = suite.hsm.as("ceremony");
    for (const custodian of suite.custodians) await custodian.refuse(second, approvals).catch(() => {});
    await expect(publish(request)).rejects.toThrow(code("APPROVAL_REFUSED"));
    expect((await current()).revokedCount).toBe(0);
    await expect(publish(request)).rejects.toThrow(code("APPROVAL_REFUSED"));
  });

  it.each([
    [1, "before"],
    [1, "after"],
    [3, "before"],
    [3, "after"],
  ] as [number, "before" | "after"][])("survive commit %i failing %s it is stored", async (step, when) => {
    const request = requestOf();
    failCommit(suite.storeFaults, step, when);
    const attempt = () => publish(request).catch((error) => error);
    await attempt();
    await suite.restart();
    for (const approvalId of await waitsFor(request)) await suite.approve(approvalId);
    await publish(request);
    const stored = suite.store.db.prepare("SELECT crl_number FROM crls WHERE authority_id = ? AND state = 'published'");
    const numbers = stored.pluck().all(ROOT) as number[];
    expect(numbers.map((number) => number - (numbers[0] ?? 0))).toEqual([0, 1, 2, 3]);
  });
});

describe("lists ahead are refused", () => {
  it.each<[string, Partial<PublishCrlRequest>, string]>([
    ["where nobody has to be asked", { authorityId: "vcc-services-ca", ahead: 2 }, "REQUEST_MALFORMED"],
    ["beyond what anyone looks at", { ahead: 25 }, "REQUEST_MALFORMED"],
    ["for a foreign tenant", { organisation: "brandenburg" }, "NOT_FOUND"],
    ["for an authority that is none", { authorityId: "no-such-ca" }, "NOT_FOUND"],
    ["without a request id", { requestId: "" }, "REQUEST_MALFORMED"],
  ])("%s", async (_, fields, expected) => {
    await expect(publish(requestOf(fields))).rejects.toThrow(code(expected));
  });

  it("for another number under the same request id", async () => {
    const request = requestOf();
    await waitsFor(request);
    await expect(publish({ ...request, ahead: 5 })).rejects.toThrow(code("REQUEST_ID_REUSED"));
  });

  it("for who may not ask", async () => {
    await expect(suite.as("ocsp", undefined).crls.publish(requestOf())).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });
});
