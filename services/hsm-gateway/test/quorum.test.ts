import { randomUUID } from "node:crypto";
import { ApprovalState, Decision, type Key, KeyPurpose, KeyState } from "@vcc-pki/proto/hsm";
import { type ApprovalRequest, signDecision } from "@vcc-pki/signer";
import { verifySignature } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newCustodian, type TestCustodian } from "./custodian.ts";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { authorityTbs } from "./payloads.ts";

const code = (expected: string) => ({ code: expected });
const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";

let gateway: HsmGatewayHarness;
let custodians: TestCustodian[];
let root: Key;
let tbs: Uint8Array;

beforeEach(async () => {
  gateway = await newHsmGateway({ database: "file" });
  custodians = await gateway.registerCustodians(3, 2);
  root = await gateway.createKey({ purpose: KeyPurpose.ROOT_CA });
  tbs = authorityTbs();
});
afterEach(() => gateway.close());

const custodian = (index: number): TestCustodian => {
  const found = custodians[index];
  if (!found) throw new Error("no such custodian");
  return found;
};
const approvals = () => gateway.as("gateway").approvals;
const sign = (requestId = "r-1", requester = OPERATOR, value = tbs) =>
  gateway.signer(root).sign({ $case: "tbsCertificate", value }, requestId, { requester });
const ledgerSize = async () =>
  (await gateway.as("audit").ledger.list({ afterSequence: 0, pageSize: 0 })).entries.length;

/** Asks for a signature and returns the id of the approval it has to wait for. */
async function ask(requestId = "r-1", requester = OPERATOR): Promise<string> {
  const error = await sign(requestId, requester).then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  expect(error).toMatchObject(code("APPROVAL_REQUIRED"));
  return (error as { details: { approvalId: string } }).details.approvalId;
}

describe("a signature under quorum", () => {
  it("is made when the threshold is met, and handed to who asked, once", async () => {
    const approvalId = await ask();
    expect((await custodian(0).approve(approvalId, approvals())).state).toBe(ApprovalState.PENDING);
    await expect(sign()).rejects.toMatchObject({ ...code("APPROVAL_REQUIRED"), details: { approvalId } });
    expect(await ledgerSize()).toBe(0);
    expect((await custodian(2).approve(approvalId, approvals())).state).toBe(ApprovalState.EXECUTED);
    expect(await ledgerSize()).toBe(1);
    const signature = await sign();
    expect(verifySignature(root.spkiDer, "ecdsa-p256-sha256", tbs, signature)).toBe(true);
    expect(Buffer.from(await sign())).toEqual(Buffer.from(signature));
    expect(await ledgerSize()).toBe(1);
  });

  it("shows custodians what they sign", async () => {
    const approvalId = await ask();
    const approval = await approvals().get({ approvalId });
    const canonical = JSON.parse(Buffer.from(approval.canonicalRequest).toString()) as ApprovalRequest;
    expect(canonical).toMatchObject({
      ...{ approvalId, operation: "sign", keyId: root.keyId, organisation: "brandenburg", requester: OPERATOR },
      ...{ signatureAlgorithm: "ecdsa-p256-sha256", payloadType: "tbs-certificate", requestId: "r-1" },
      ...{ caller: "spiffe://vcc.internal/pki/ca", expiresAt: "2026-11-04T00:00:00.000Z" },
      payloadSha256: (await import("node:crypto")).hash("sha256", tbs),
    });
    expect(Object.keys(canonical)).toEqual(Object.keys(canonical).toSorted()); // RFC 8785 section 3.2.3
    expect(approval).toMatchObject({ payload: tbs, threshold: 2, requester: OPERATOR, payloadType: "tbs-certificate" });
  });

  it("does not take the policy's place: what is not admitted is not even asked for", async () => {
    const foreign = authorityTbs({ signatureAlgorithm: "ecdsa-p384-sha384" });
    await expect(sign("r-1", OPERATOR, foreign)).rejects.toMatchObject(code("PAYLOAD_NOT_ADMITTED"));
    expect((await approvals().list({ state: ApprovalState.UNSPECIFIED })).approvals).toEqual([]);
  });

  it("belongs to its content: another under the same id is refused", async () => {
    await ask();
    await expect(sign("r-1", OPERATOR, authorityTbs())).rejects.toMatchObject(code("REQUEST_ID_REUSED"));
  });

  it("asked for many times at once waits for one approval", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(new Set(ids).size).toBe(1);
  });

  it("survives a restart between the decisions", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    await gateway.restart();
    expect((await custodian(1).approve(approvalId, approvals())).state).toBe(ApprovalState.EXECUTED);
    await gateway.restart();
    expect(verifySignature(root.spkiDer, "ecdsa-p256-sha256", tbs, await sign())).toBe(true);
  });

  it("expires", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    gateway.clock.advance(72 * 3_600_000);
    await expect(custodian(1).approve(approvalId, approvals())).rejects.toMatchObject(code("APPROVAL_EXPIRED"));
    await expect(sign()).rejects.toMatchObject(code("APPROVAL_EXPIRED"));
    expect((await approvals().get({ approvalId })).state).toBe(ApprovalState.EXPIRED);
    expect((await approvals().list({ state: ApprovalState.EXPIRED })).approvals).toHaveLength(1);
    expect(await ledgerSize()).toBe(0);
    expect(await ask("r-2")).not.toBe(approvalId);
  });

  it("is refused when the threshold can no longer be met", async () => {
    const approvalId = await ask();
    expect((await custodian(0).refuse(approvalId, approvals())).state).toBe(ApprovalState.PENDING);
    expect((await custodian(1).refuse(approvalId, approvals())).state).toBe(ApprovalState.REFUSED);
    await expect(sign()).rejects.toMatchObject(code("APPROVAL_REFUSED"));
    await expect(custodian(2).approve(approvalId, approvals())).rejects.toMatchObject(code("APPROVAL_REFUSED"));
    expect(await ledgerSize()).toBe(0);
  });
});

describe("a decision", () => {
  it("is not the requester's to make", async () => {
    const requester = custodian(0).identity;
    const approvalId = await ask("r-1", requester);
    await expect(custodian(0).approve(approvalId, approvals())).rejects.toMatchObject(code("APPROVAL_INVALID"));
    await custodian(1).approve(approvalId, approvals());
    expect((await custodian(2).approve(approvalId, approvals())).state).toBe(ApprovalState.EXECUTED);
  });

  it("counts once for each custodian, and cannot be taken back", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    const again = await custodian(0).approve(approvalId, approvals());
    expect(again).toMatchObject({ state: ApprovalState.PENDING, decisions: [{ custodianId: "anna" }] });
    await expect(custodian(0).refuse(approvalId, approvals())).rejects.toMatchObject(code("APPROVAL_INVALID"));
  });

  it("on one request is worth nothing for another, not even the same one again", async () => {
    const first = await ask("r-1");
    const second = await ask("r-2");
    const { canonicalRequest } = await approvals().get({ approvalId: first });
    const signature = signDecision(custodian(0).privateKey, canonicalRequest, "approve");
    const decide = { custodianId: "anna", decision: Decision.APPROVE, signature };
    await expect(approvals().decide({ ...decide, approvalId: second })).rejects.toMatchObject(code("APPROVAL_INVALID"));
  });

  it("to refuse cannot be turned into one to approve", async () => {
    const approvalId = await ask();
    const { canonicalRequest } = await approvals().get({ approvalId });
    const signature = signDecision(custodian(0).privateKey, canonicalRequest, "refuse");
    const decide = { approvalId, custodianId: "anna", signature };
    await expect(approvals().decide({ ...decide, decision: Decision.APPROVE })).rejects.toMatchObject(
      code("APPROVAL_INVALID"),
    );
    await expect(approvals().decide({ ...decide, decision: Decision.UNSPECIFIED })).rejects.toMatchObject(
      code("REQUEST_MALFORMED"),
    );
  });

  it("is a custodian's, signed with that custodian's key", async () => {
    const approvalId = await ask();
    const stranger = newCustodian("zoe");
    await expect(stranger.approve(approvalId, approvals())).rejects.toMatchObject(code("APPROVAL_INVALID"));
    const { canonicalRequest } = await approvals().get({ approvalId });
    const signature = signDecision(stranger.privateKey, canonicalRequest, "approve");
    const decide = { approvalId, custodianId: "anna", decision: Decision.APPROVE };
    for (const each of [signature, new Uint8Array(), Buffer.from("garbage")]) {
      await expect(approvals().decide({ ...decide, signature: each })).rejects.toMatchObject(code("APPROVAL_INVALID"));
    }
    await expect(approvals().decide({ ...decide, approvalId: randomUUID(), signature })).rejects.toMatchObject(
      code("NOT_FOUND"),
    );
  });

  it.each(["ca", "tsa", OPERATOR])("does not come from %s", async (caller) => {
    const approvalId = await ask();
    await expect(custodian(0).approve(approvalId, gateway.as(caller).approvals)).rejects.toMatchObject(
      code("CALLER_NOT_ALLOWED"),
    );
  });

  it("holds for what it was made on: a changed row has no approval", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    await custodian(1).refuse(approvalId, approvals());
    gateway.store.db.prepare("UPDATE approvals SET payload = ?").run(authorityTbs());
    const last = await custodian(2)
      .approve(approvalId, approvals())
      .catch((error: unknown) => error);
    expect(last).toMatchObject(code("APPROVAL_INVALID"));
    gateway.store.db.prepare("UPDATE decisions SET decision = 'approve'").run();
    gateway.store.db.prepare("UPDATE approvals SET payload = ?").run(tbs);
    expect((await approvals().get({ approvalId })).state).toBe(ApprovalState.PENDING);
    await gateway.restart();
    expect(await ledgerSize()).toBe(0); // bert's signature says "refuse"
  });
});

describe("an approved signature that cannot be made yet", () => {
  it("is made when its repeat finds the token again", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    gateway.token.unplug();
    expect((await custodian(1).approve(approvalId, approvals())).state).toBe(ApprovalState.PENDING);
    await expect(sign()).rejects.toMatchObject(code("HSM_UNAVAILABLE"));
    gateway.token.plugIn();
    gateway.clock.advance(10_000);
    expect(verifySignature(root.spkiDer, "ecdsa-p256-sha256", tbs, await sign())).toBe(true);
    expect(await ledgerSize()).toBe(1);
  });

  it("is made at the next start", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    gateway.token.unplug();
    await custodian(1).approve(approvalId, approvals());
    gateway.token.plugIn();
    await gateway.restart();
    expect((await approvals().get({ approvalId })).state).toBe(ApprovalState.EXECUTED);
    expect(await ledgerSize()).toBe(1);
  });

  it.each(["beforeCommit", "afterCommit"] as const)(
    "because the commit fails (%s): made once, whatever was stored",
    async (point) => {
      const approvalId = await ask();
      await custodian(0).approve(approvalId, approvals());
      let commits = 0;
      gateway.storeFaults[point] = () => {
        if (++commits < 2) return; // the decision itself
        gateway.storeFaults[point] = undefined;
        throw new Error("injected");
      };
      await custodian(1).approve(approvalId, approvals());
      const signature = await sign();
      expect(verifySignature(root.spkiDer, "ecdsa-p256-sha256", tbs, signature)).toBe(true);
      expect(await ledgerSize()).toBe(1);
      expect((await approvals().get({ approvalId })).state).toBe(ApprovalState.EXECUTED);
    },
  );

  it("is not made any more once the approval has expired", async () => {
    const approvalId = await ask();
    await custodian(0).approve(approvalId, approvals());
    gateway.token.unplug();
    await custodian(1).approve(approvalId, approvals());
    gateway.token.plugIn();
    gateway.clock.advance(72 * 3_600_000);
    await expect(sign()).rejects.toMatchObject(code("APPROVAL_EXPIRED"));
    expect(await ledgerSize()).toBe(0);
  });
});

describe("destroying a key under quorum", () => {
  it("waits for the custodians too", async () => {
    const request = { organisation: "brandenburg", keyId: root.keyId, requestId: "d-1" };
    const destroy = () => gateway.as("ca").keys.destroyKey(request, { requester: OPERATOR });
    const error = (await destroy().catch((refusal: unknown) => refusal)) as { details: { approvalId: string } };
    expect(error).toMatchObject(code("APPROVAL_REQUIRED"));
    expect(gateway.token.countPrivateKeys()).toBe(1);
    const { approvalId } = error.details;
    const approval = await approvals().get({ approvalId });
    expect(approval).toMatchObject({ payloadType: "subject-public-key-info", payload: root.spkiDer });
    for (const each of custodians.slice(0, 2)) await each.approve(approvalId, approvals());
    expect((await destroy()).state).toBe(KeyState.DESTROYED);
    expect(gateway.token.countPrivateKeys()).toBe(0);
    await expect(sign()).rejects.toMatchObject(code("KEY_NOT_ACTIVE"));
  });
});
