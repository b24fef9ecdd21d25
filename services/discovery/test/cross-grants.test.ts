import { randomUUID } from "node:crypto";
import { brandenburg } from "@vcc-pki/ca/harness";
import { IsolationLevel } from "@vcc-pki/proto/ca";
import type { CrossGrant } from "@vcc-pki/proto/discovery";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DiscoveryHarness, newDiscovery } from "./harness.ts";

let harness: DiscoveryHarness;
beforeAll(async () => {
  harness = await newDiscovery();
  const { COLLABORATIVE, FEDERATED } = IsolationLevel;
  await organise({ bayern: FEDERATED, hessen: FEDERATED, sachsen: COLLABORATIVE });
});
afterAll(() => harness.close());

async function organise(levels: Record<string, IsolationLevel>): Promise<void> {
  const { organisations } = harness.ca.as();
  for (const [organisation, isolationLevel] of Object.entries(levels)) {
    const fields = { name: organisation, allowedNames: [`*.${organisation}.example`], allowedNetworks: [] };
    const authorityIds = ["vcc-services-ca"];
    await organisations.create({
      ...{ ...brandenburg, ...fields, organisation, isolationLevel, authorityIds, requestId: randomUUID() },
    });
  }
}

const code = (expected: string) => expect.objectContaining({ code: expected });
const admin = (organisation: string) => `spiffe://vcc.internal/org/${organisation}/admin/eva`;
const workload = (organisation: string, service: string) =>
  `spiffe://vcc.internal/org/${organisation}/service/${service}`;
const inDays = (days: number) => new Date(harness.clock.now().getTime() + days * 86_400_000);
type Call = [from: string, source: string, to: string, target: string];
const call = ([sourceOrganisation, sourceService, targetOrganisation, targetService]: Call, days = 30): CrossGrant => ({
  ...{ sourceOrganisation, sourceService, targetOrganisation, targetService, expiresAt: inDays(days) },
  ...{ crossGrantId: "", grantedBySource: "", grantedByTarget: "", withdrawnAt: undefined },
});
const say = (organisation: string, grant: CrossGrant, requestId: string = randomUUID()) =>
  harness.as(admin(organisation)).policy.putCrossGrant({ requestId, organisation: "", grant });
const withdraw = (organisation: string, crossGrantId: string) =>
  harness
    .as(admin(organisation))
    .policy.withdrawCrossGrant({ requestId: randomUUID(), organisation: "", crossGrantId });
const may = async ([from, source, to, targetService]: Call, path = "", method = "") => {
  const asked = { source: workload(from, source), targetOrganisation: to, targetService, method, path };
  return (await harness.as(admin(to)).policy.check(asked)).allowed;
};

describe("a call across organisations", () => {
  const argusToCovina: Call = ["bayern", "argus", "sachsen", "covina"];

  it("needs both to say so, names what is meant, and ends", async () => {
    expect(await may(argusToCovina)).toBe(false);
    const grant = call(argusToCovina, 10);
    const half = await say("bayern", grant);
    expect(half).toMatchObject({ grantedBySource: admin("bayern"), grantedByTarget: "" });
    expect(await may(argusToCovina)).toBe(false);
    const whole = await say("sachsen", grant);
    expect(whole).toMatchObject({ crossGrantId: half.crossGrantId, grantedByTarget: admin("sachsen") });
    expect(await may(argusToCovina)).toBe(true);
    expect(await may(["bayern", "vpb", "sachsen", "covina"])).toBe(false);
    expect(await may(["sachsen", "argus", "bayern", "covina"])).toBe(false);
    harness.clock.advance(11 * 86_400_000);
    expect(await may(argusToCovina)).toBe(false);
  });

  it("ends when either takes it back", async () => {
    const grant = call(argusToCovina);
    await say("bayern", grant);
    const { crossGrantId } = await say("sachsen", grant);
    await expect(withdraw("hessen", crossGrantId)).rejects.toThrow(code("NOT_FOUND"));
    expect(await may(argusToCovina)).toBe(true);
    await withdraw("bayern", crossGrantId);
    expect(await may(argusToCovina)).toBe(false);
    const listed = await harness.as(admin("sachsen")).policy.listCrossGrants({ organisation: "" });
    expect(listed.grants.find((each) => each.crossGrantId === crossGrantId)?.withdrawnAt).toEqual(harness.clock.now());
    expect((await harness.as(admin("hessen")).policy.listCrossGrants({ organisation: "" })).grants).toEqual([]);
  });

  it("does not come about when the two do not say the same", async () => {
    const vpb: Call = ["bayern", "vpb", "sachsen", "covina"];
    await say("bayern", call(vpb, 5));
    await say("sachsen", call(vpb, 6));
    expect(await may(vpb)).toBe(false);
  });

  it("reaches, by wildcard between federated organisations, neither what is isolated nor what a permission keeps", async () => {
    const all = call(["bayern", "*", "hessen", "*"]);
    await say("bayern", all);
    await say("hessen", all);
    expect(await may(["bayern", "argus", "hessen", "covina"])).toBe(true);
    expect(await may(["bayern", "argus", "hessen", "clara-serving"])).toBe(false);
    const tables: Call = ["bayern", "argus", "hessen", "themisdb"];
    expect(await may(tables, "/api/v1/backend/tables", "GET")).toBe(false);
    expect(await may(tables, "/api/v1/other", "GET")).toBe(true);
    expect(await may(tables, "/api//v1/other", "GET")).toBe(false);
  });

  it("is said once under one request id", async () => {
    const grant = call(["hessen", "aat", "sachsen", "aat"]);
    const requestId = randomUUID();
    const once = await say("hessen", grant, requestId);
    expect(await say("hessen", grant, requestId)).toEqual(once);
    await expect(say("hessen", call(["hessen", "aat", "sachsen", "vpb"]), requestId)).rejects.toThrow(
      code("REQUEST_ID_REUSED"),
    );
  });

  it.each<[string, string, () => CrossGrant, string]>([
    ["for a strict organisation", "bayern", () => call(["bayern", "argus", "brandenburg", "covina"]), "NOT_FOUND"],
    ["for one that there is not", "bayern", () => call(["bayern", "argus", "atlantis", "covina"]), "NOT_FOUND"],
    ["by a third", "hessen", () => call(argusToCovina), "REQUEST_MALFORMED"],
    ["at home", "bayern", () => call(["bayern", "argus", "bayern", "covina"]), "REQUEST_MALFORMED"],
    [
      "with a wildcard, for a collaborative one",
      "bayern",
      () => call(["bayern", "*", "sachsen", "covina"]),
      "REQUEST_MALFORMED",
    ],
    ["that is over", "bayern", () => call(argusToCovina, -1), "REQUEST_MALFORMED"],
    ["for ever", "bayern", () => call(argusToCovina, 4_000), "REQUEST_MALFORMED"],
    ["with a name that is none", "bayern", () => call(["bayern", "../x", "sachsen", "covina"]), "REQUEST_MALFORMED"],
  ])("is not granted %s", async (_, organisation, grant, expected) => {
    await expect(say(organisation, grant())).rejects.toThrow(code(expected));
  });

  it("is not granted by a service, nor while the ca cannot say how far an organisation keeps to itself", async () => {
    const request = { requestId: randomUUID(), organisation: "", grant: call(argusToCovina) };
    const asService = harness.as(workload("bayern", "argus")).policy.putCrossGrant(request);
    await expect(asService).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    harness.away.add("ca");
    await expect(say("bayern", call(argusToCovina))).rejects.toThrow(code("PEER_UNAVAILABLE"));
    harness.away.clear();
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s, of a grant", (kind) => {
  it("leaves what the database holds, and the repeat says it once", async () => {
    const wanted: Call = ["bayern", kind.toLowerCase(), "sachsen", "covina"];
    const grant = call(wanted);
    await say("sachsen", grant);
    const requestId = randomUUID();
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(say("bayern", grant, requestId)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    delete harness.storeFaults[kind];
    expect(await may(wanted)).toBe(kind === "afterCommit");
    await harness.restart();
    await say("bayern", grant, requestId);
    expect(await may(wanted)).toBe(true);
    const { grants } = await harness.as(admin("bayern")).policy.listCrossGrants({ organisation: "" });
    expect(grants.filter(({ sourceService }) => sourceService === wanted[1])).toHaveLength(1);
  });
});
