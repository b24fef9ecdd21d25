import { RevocationReason } from "@vcc-pki/proto/ca";
import { LifecycleState } from "@vcc-pki/proto/lifecycle";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, type LifecycleHarness, newLifecycle, STRANGER } from "./harness.ts";

let suite: LifecycleHarness;
let certificateId = "";
beforeAll(async () => {
  suite = await newLifecycle();
  const { certificate } = await suite.ca.issue();
  certificateId = certificate?.certificateId ?? "";
  await suite.lifecycle.refresh();
});
afterAll(() => suite.close());

const WORKLOAD = "spiffe://vcc.internal/org/brandenburg/service/argus";
const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";
const list = {
  organisation: "",
  state: LifecycleState.UNSPECIFIED,
  profile: "",
  expiresBefore: undefined,
  pageSize: 0,
  pageToken: "",
};
const period = { from: new Date("2026-01-01T00:00:00Z"), until: new Date("2027-01-01T00:00:00Z") };

describe("who may ask", () => {
  it.each<[string, string, string]>([
    ["a service of the suite", ADMIN, "signing"],
    ["a workload", WORKLOAD, WORKLOAD],
    ["an administrator past the gateway", ADMIN, ADMIN],
  ])("not %s", async (_, requester, caller) => {
    const refusal = { code: "CALLER_NOT_ALLOWED" };
    const { history, reports } = suite.as(requester, caller);
    await expect(history.getHistory({ organisation: "", certificateId })).rejects.toMatchObject(refusal);
    await expect(history.list(list)).rejects.toMatchObject(refusal);
    await expect(reports.getReport({ organisation: "", ...period })).rejects.toMatchObject(refusal);
  });

  it("not a workload through the gateway", async () => {
    await expect(suite.as(WORKLOAD).history.list(list)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
  });

  it("a member of the organisation; for others it is not there", async () => {
    const { history } = suite.as(OPERATOR);
    const named = { organisation: "brandenburg", certificateId };
    await expect(history.getHistory(named)).resolves.toMatchObject({
      certificates: [{ certificate: { certificateId } }],
    });
    await expect(suite.as(STRANGER).history.getHistory(named)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(suite.as(STRANGER).history.getHistory({ ...named, organisation: "" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await expect(suite.as(STRANGER).history.list({ ...list, organisation: "brandenburg" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

describe("what is malformed", () => {
  it.each([
    ["a page token", () => suite.as().history.list({ ...list, pageToken: "e30" })],
    ["a state", () => suite.as().history.list({ ...list, state: "x" as LifecycleState })],
    ["a period", () => suite.as().reports.getReport({ organisation: "", from: period.until, until: period.from })],
    ["no period", () => suite.as().reports.getReport({ organisation: "", from: undefined, until: undefined })],
  ])("%s is refused", async (_, ask) => {
    await expect(ask()).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });

  it("an id that is none is not found", async () => {
    for (const id of ["", "x", "ff", `${certificateId}0`, String(RevocationReason.SUPERSEDED)])
      await expect(suite.as().history.getHistory({ organisation: "", certificateId: id })).rejects.toMatchObject({
        code: "NOT_FOUND",
      });
  });
});
