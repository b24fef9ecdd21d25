import { generateKeyPairSync, randomUUID } from "node:crypto";
import { ApprovalState, type Custodian, KeyPurpose } from "@vcc-pki/proto/hsm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newCustodian, type TestCustodian } from "./custodian.ts";
import { type HsmGatewayHarness, newHsmGateway } from "./harness.ts";
import { authorityTbs } from "./payloads.ts";

const code = (expected: string) => ({ code: expected });
const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";

let gateway: HsmGatewayHarness;
beforeEach(async () => {
  gateway = await newHsmGateway();
});
afterEach(() => gateway.close());

const plain = ({ custodianId, identity, spkiDer }: Custodian): Custodian => ({ custodianId, identity, spkiDer });
const register = (list: readonly Custodian[], threshold = 1, requestId: string = randomUUID()) =>
  gateway
    .as("gateway")
    .custodians.register({ requestId, custodians: list.map(plain), threshold }, { requester: OPERATOR });
const listed = async () => (await gateway.as("gateway").custodians.list({})).custodians.map((each) => each.custodianId);

async function askToReplace(list: readonly Custodian[], requestId: string): Promise<string> {
  const error = await register(list, 1, requestId).then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  expect(error).toMatchObject(code("APPROVAL_REQUIRED"));
  return (error as { details: { approvalId: string } }).details.approvalId;
}

describe("the first registration", () => {
  it("is open while there are neither custodians nor keys", async () => {
    const list = [newCustodian("bert"), newCustodian("anna", "ed25519")];
    const answer = await register(list, 2, "c-1");
    expect(answer.custodians.map(({ custodianId }) => custodianId)).toEqual(["anna", "bert"]);
    expect(await register(list.toReversed(), 2, "c-1")).toEqual(answer);
    await expect(register(list, 1, "c-1")).rejects.toMatchObject(code("REQUEST_ID_REUSED"));
  });

  it("is closed once a key exists", async () => {
    await gateway.createKey();
    await expect(register([newCustodian("anna")])).rejects.toMatchObject(code("REGISTRATION_CLOSED"));
  });

  const anna = newCustodian("anna");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 3072 }).publicKey.export({ type: "spki", format: "der" });
  const bad: [string, Custodian[], number][] = [
    ["nobody", [], 0],
    ["a threshold of none", [anna], 0],
    ["a threshold above their number", [anna], 2],
    ["the same id twice", [anna, { ...newCustodian("b"), custodianId: "anna" }], 1],
    ["the same person twice", [anna, { ...newCustodian("b"), identity: anna.identity }], 1],
    ["the same key twice", [anna, { ...newCustodian("b"), spkiDer: anna.spkiDer }], 1],
    ["an RSA key", [{ ...anna, spkiDer: rsa }], 1],
    ["garbage for a key", [{ ...anna, spkiDer: Buffer.from("x") }], 1],
    ["an identity of another domain", [{ ...anna, identity: "spiffe://other/org/vcc/admin/anna" }], 1],
    ["an id with a space", [{ ...anna, custodianId: "an na" }], 1],
  ];
  it.each(bad)("refuses %s", async (_, list, threshold) => {
    await expect(register(list, threshold)).rejects.toMatchObject({ name: "PkiError" });
    expect(await listed()).toEqual([]);
  });

  it.each(["ca", "audit", OPERATOR])("is not %s's to make", async (caller) => {
    await expect(
      gateway.as(caller).custodians.register({ requestId: "x", custodians: [plain(anna)], threshold: 1 }),
    ).rejects.toMatchObject(code("CALLER_NOT_ALLOWED"));
  });
});

describe("a change of the custodians", () => {
  let old: TestCustodian[];
  const approvals = () => gateway.as("gateway").approvals;
  const decide = async (approvalId: string, by: readonly TestCustodian[]) => {
    for (const each of by) await each.approve(approvalId, approvals());
  };
  beforeEach(async () => {
    old = await gateway.registerCustodians(3, 2);
  });

  it("is for the present ones to approve", async () => {
    const list = [newCustodian("xaver"), newCustodian("yvonne")];
    const approvalId = await askToReplace(list, "c-2");
    const approval = await approvals().get({ approvalId });
    expect(JSON.parse(Buffer.from(approval.payload).toString())).toMatchObject({ threshold: 1 });
    expect(await listed()).toEqual(["anna", "bert", "carl"]);
    await decide(approvalId, old.slice(0, 2));
    expect(await listed()).toEqual(["xaver", "yvonne"]);
    expect((await register(list, 1, "c-2")).custodians).toHaveLength(2);
  });

  it("ends what the old ones were asked for, and their say in what comes", async () => {
    const root = await gateway.createKey({ purpose: KeyPurpose.ROOT_CA });
    const sign = (id: string) =>
      gateway.signer(root).sign({ $case: "tbsCertificate", value: authorityTbs() }, id, { requester: OPERATOR });
    const before = (await sign("r-1").catch((error: unknown) => error)) as { details: { approvalId: string } };
    await old[0]?.approve(before.details.approvalId, approvals());
    await decide(await askToReplace([newCustodian("xaver"), newCustodian("yvonne")], "c-2"), old.slice(0, 2));
    expect((await approvals().get(before.details)).state).toBe(ApprovalState.EXPIRED);
    const after = (await sign("r-2").catch((error: unknown) => error)) as { details: { approvalId: string } };
    await expect(old[0]?.approve(after.details.approvalId, approvals())).rejects.toMatchObject(
      code("APPROVAL_INVALID"),
    );
  });

  it("leaves no key without its quorum", async () => {
    await gateway.createKey({ purpose: KeyPurpose.ROOT_CA, policy: { quorumThreshold: 3 } });
    await expect(register([newCustodian("x"), newCustodian("y")])).rejects.toMatchObject(code("REQUEST_MALFORMED"));
  });

  it("is refused outright when too few are left to approve it", async () => {
    await decide(await askToReplace([newCustodian("operator")], "c-2"), old.slice(0, 2));
    await expect(register([newCustodian("x")], 1, "c-3")).rejects.toMatchObject(code("APPROVAL_REFUSED"));
  });
});
