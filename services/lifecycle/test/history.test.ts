import { randomUUID } from "node:crypto";
import { type IssueResponse, RevocationReason } from "@vcc-pki/proto/ca";
import { LifecycleState } from "@vcc-pki/proto/lifecycle";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LifecycleHarness, newLifecycle } from "./harness.ts";

const DAY_MS = 86_400_000;

let suite: LifecycleHarness;
beforeAll(async () => {
  suite = await newLifecycle();
});
afterAll(() => suite.close());

const uriOf = (service: string) => `spiffe://vcc.internal/org/brandenburg/service/${service}`;
const issue = (service: string): Promise<IssueResponse> =>
  suite.ca.issue({ names: { uri: [uriOf(service)], dns: [`${service}.vcc.internal`] } });
const idOf = ({ certificate }: IssueResponse) => certificate?.certificateId ?? "";
const serialOf = ({ certificate }: IssueResponse) => certificate?.serialHex ?? "";
const revoke = (certificateId: string, reason: RevocationReason) =>
  suite.ca.as().certificates.revoke({
    ...{ requestId: randomUUID(), organisation: "brandenburg", certificateId, reason, invalidityDate: undefined },
  });

const historyOf = async (certificateId: string) =>
  (await suite.as().history.getHistory({ organisation: "", certificateId })).certificates;
/** "issued served replaced", of each certificate in the line. */
const changesOf = async (certificateId: string) =>
  (await historyOf(certificateId)).map(({ changes }) => changes.map(({ change }) => change).join(" "));
const stateOf = async (certificateId: string) => {
  const found = (await historyOf(certificateId)).find(
    ({ certificate }) => certificate?.certificateId === certificateId,
  );
  return found?.certificate?.state.replace("LIFECYCLE_STATE_", "");
};

describe("the history of a certificate", () => {
  it("begins with its request, and goes on over its renewals to the end", async () => {
    const first = await issue("argus");
    await suite.lifecycle.refresh();
    const [only] = await historyOf(idOf(first));
    expect(only?.certificate).toMatchObject({
      ...{ organisation: "brandenburg", profile: "mtls_service", subject: uriOf("argus"), predecessorId: "" },
      ...{ keyAlgorithm: "ec-p256", requester: "spiffe://vcc.internal/org/vcc/admin/operator" },
    });
    expect(only?.changes).toMatchObject([
      { change: "issued", toState: LifecycleState.ISSUED, actor: "spiffe://vcc.internal/org/vcc/admin/operator" },
    ]);

    await suite.tell("pki.service.served.v1", { service: "argus", serialHex: serialOf(first) });
    await vi.waitFor(async () => expect(await stateOf(idOf(first))).toBe("ACTIVE"));

    suite.clock.advance(61 * DAY_MS);
    await suite.lifecycle.refresh();
    expect(await stateOf(idOf(first))).toBe("EXPIRING");
    await suite.tell("pki.service.told.v1", { service: "argus", agent: "argus", reason: "expiring" });
    await vi.waitFor(async () => expect(await stateOf(idOf(first))).toBe("RENEWING"));

    const second = await issue("argus");
    await suite.lifecycle.refresh();
    expect(await stateOf(idOf(first))).toBe("RENEWING");
    await suite.tell("pki.service.served.v1", { service: "argus", serialHex: serialOf(second) });
    await vi.waitFor(async () => expect(await stateOf(idOf(first))).toBe("RENEWED"));
    expect(await changesOf(serialOf(second))).toEqual(["issued served due told succeeded replaced", "issued served"]);
    const line = await historyOf(idOf(first));
    expect(line[1]?.certificate?.predecessorId).toBe(idOf(first));
    expect(line[0]?.changes.at(-1)).toMatchObject({
      ...{ reason: `${idOf(second)} is in use`, actor: "spiffe://vcc.internal/pki/discovery" },
    });

    await revoke(idOf(second), RevocationReason.KEY_COMPROMISE);
    await suite.lifecycle.refresh();
    const last = (await historyOf(idOf(second))).at(-1);
    expect(last?.certificate).toMatchObject({ state: LifecycleState.REVOKED, revocationReason: "keyCompromise" });
    expect(last?.changes.at(-1)).toMatchObject({
      change: "revoked",
      actor: "spiffe://vcc.internal/org/vcc/admin/operator",
    });
  });

  it("tells of what nobody renewed, and of what was renewed without being seen", async () => {
    const [forgotten, quiet] = [await issue("vpb"), await issue("aat")];
    suite.clock.advance(70 * DAY_MS);
    await suite.lifecycle.refresh();
    await issue("aat");
    await suite.lifecycle.refresh();
    suite.clock.advance(21 * DAY_MS);
    await suite.lifecycle.refresh();
    expect(await changesOf(idOf(forgotten))).toEqual(["issued due ended"]);
    expect(await changesOf(idOf(quiet))).toEqual(["issued due succeeded outlived", "issued"]);
    expect(await stateOf(idOf(quiet))).toBe("RENEWED");
  });

  it("waits for the ca to tell what an event is about, and takes nothing twice", async () => {
    suite.away.add("ca");
    const issued = await issue("scraper");
    const served = { service: "scraper", serialHex: serialOf(issued) };
    await suite.tell("pki.service.served.v1", served);
    await expect(historyOf(idOf(issued))).rejects.toMatchObject({ code: "NOT_FOUND" });
    suite.away.clear();
    await suite.lifecycle.refresh();
    await vi.waitFor(async () => expect(await changesOf(idOf(issued))).toEqual(["issued served"]));
    await suite.tell("pki.service.served.v1", served);
    await suite.restart();
    await suite.lifecycle.refresh();
    expect(await changesOf(idOf(issued))).toEqual(["issued served"]);
  });

  it.each([
    ["failed and not stored", { beforeCommit: failure }],
    ["failed but stored", { afterCommit: failure }],
  ])("holds each change once when a commit %s", async (_, faults) => {
    const issued = await issue(`covina-${randomUUID().slice(0, 8)}`);
    await revoke(idOf(issued), RevocationReason.SUPERSEDED);
    Object.assign(suite.storeFaults, faults);
    await suite.lifecycle.refresh();
    for (const key of Object.keys(faults)) delete suite.storeFaults[key as keyof typeof suite.storeFaults];
    await suite.restart();
    await suite.lifecycle.refresh();
    expect(await changesOf(idOf(issued))).toEqual(["issued revoked"]);
  });

  function failure(): void {
    throw new Error("the disk is gone");
  }
});

describe("the list", () => {
  it("comes in pages, what ends first comes first", async () => {
    const { history } = suite.as();
    const ids: string[] = [];
    let pageToken = "";
    do {
      const any = {
        organisation: "",
        state: LifecycleState.UNSPECIFIED,
        profile: "",
        expiresBefore: undefined,
        pageSize: 2,
        pageToken,
      };
      const page = await history.list(any);
      ids.push(...page.certificates.map(({ certificateId }) => certificateId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    const all = await history.list({
      ...{
        organisation: "",
        state: LifecycleState.UNSPECIFIED,
        profile: "",
        expiresBefore: undefined,
        pageSize: 0,
        pageToken: "",
      },
    });
    expect(ids).toEqual(all.certificates.map(({ certificateId }) => certificateId));
    const ends = all.certificates.map(({ notAfter }) => notAfter?.getTime() ?? 0);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
  });
});

describe("a report", () => {
  it("counts what happened in the period, by profile", async () => {
    const report = await suite.as().reports.getReport({
      ...{ organisation: "", from: new Date("2026-11-01T00:00:00Z"), until: new Date("2028-01-01T00:00:00Z") },
    });
    expect(report.profiles).toMatchObject([
      { profile: "mtls_service", issued: 8, succeeding: 2, renewed: 2, revoked: 3, expired: 1, suspended: 0 },
    ]);
    expect(report.endedWithoutSuccessor).toMatchObject([{ subject: uriOf("vpb") }]);
    expect(report.meanReplacementSeconds).toBeGreaterThanOrEqual(0);
    expect(report.upcoming).toHaveLength(12);
  });
});
