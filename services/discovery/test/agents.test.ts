import { randomUUID } from "node:crypto";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { type AgentEvent, AgentEventKind, Service, ServiceState, type WatchEvent } from "@vcc-pki/proto/discovery";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Counted, failCommitOf } from "./faults.ts";
import { ADMIN, type DiscoveryHarness, newDiscovery } from "./harness.ts";

let harness: DiscoveryHarness;
/** The service with an agent, and the one that this agent looks after, too. */
let host = "";
let guest = "";
let count = 0;
beforeAll(async () => {
  harness = await newDiscovery();
});
beforeEach(async () => {
  host = `host-${++count}`;
  guest = `guest-${count}`;
  await enrol(host);
});
afterEach(() => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
});
afterAll(() => harness.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const uriOf = (service: string) => `spiffe://vcc.internal/org/brandenburg/service/${service}`;
const agentOf = (service: string) => harness.as(uriOf(service)).agents;
const named = (service: string) => ({ requestId: randomUUID(), organisation: "", service });
const get = (service: string) => harness.as().registry.get(named(service));

async function enrol(service: string) {
  await harness.grant(service);
  const { token } = await harness.as().enrolment.createToken({
    ...{ ...named(service), dnsNames: [`${service}.vcc.internal`], ipAddresses: [], profile: "", validitySeconds: 0 },
    ...{ network: "", spkiSha256: new Uint8Array() },
  });
  return harness.as("", "gateway").enrolment.enrol({
    ...{ requestId: randomUUID(), attestation: { $case: "token", value: { token } }, peerAddress: "" },
    csrDer: harness.csrOf(service),
  });
}

/** Registers and approves the guest, in the care of the host's agent. */
async function approveGuest(managedBy = host): Promise<void> {
  await harness.grant(guest);
  const said = { service: guest, dnsNames: [`${guest}.vcc.internal`], managedBy };
  const service = { ...Service.decode(new Uint8Array()), ...said };
  await harness.as().registry.register({ requestId: randomUUID(), service });
  await harness.as().registry.approve(named(guest));
}
const provision = (fields: object = {}, agent = host) =>
  agentOf(agent).provision({ requestId: randomUUID(), service: guest, csrDer: harness.csrOf(guest), ...fields });

/** What the agent's stream brings until it has brought so many. */
async function watch(service: string, events: number, lastEventId = ""): Promise<WatchEvent[]> {
  const seen: WatchEvent[] = [];
  for await (const event of agentOf(service).watch({ lastEventId })) if (seen.push(event) === events) break;
  return seen;
}
const noticesOf = (events: readonly WatchEvent[]) =>
  events.map(({ notice }) => (notice?.$case === "renew" ? notice.value : notice?.$case));
const eventsOf = (service: string) =>
  harness.store.outbox
    .pending(10_000)
    .filter(({ data }) => (data as { service?: string }).service === service)
    .map(({ type }) => type.replace(/^pki\.service\.|\.v1$/g, ""));
const found = (service: string, reason: "served-expired" | "served-foreign") =>
  harness.discovery.store.write(() =>
    harness.discovery.provisioning.found({ organisation: "brandenburg", service }, reason),
  );
const report = (events: readonly Partial<AgentEvent>[], agent = host) =>
  agentOf(agent).report({
    events: events.map((each) => ({
      ...{ kind: AgentEventKind.DEPLOYED, service: "", serialHex: "", endpoint: "", detail: "", at: undefined },
      ...{ anchorsSha256: [], ...each },
    })),
  });

describe("auto-provisioning", () => {
  it("tells the agent of an approved service without certificate, which gets one, serves it, and is active: each step an event", async () => {
    const stream = watch(host, 2);
    await approveGuest();
    expect(noticesOf(await stream)).toEqual(["bundle", { service: guest, reason: "no-certificate" }]);
    expect((await get(guest)).state).toBe(ServiceState.PENDING_CERT);

    const { serialHex } = await provision();
    expect((await get(guest)).state).toBe(ServiceState.ACTIVE);
    await report([{ service: guest, kind: AgentEventKind.SERVED, serialHex, endpoint: `${guest}:443` }]);
    expect((await get(guest)).certificate?.servedAt).toEqual(harness.clock.now());
    expect(noticesOf(await watch(host, 1))).toEqual(["bundle"]);
    expect(eventsOf(guest)).toEqual(["registered", "approved", "told", "certified", "active", "served"]);
  });

  it("tells it once of what a probe has found, again after it was done, and not while it is being done", async () => {
    const { certificate } = await get(host);
    await report([{ kind: AgentEventKind.SERVED, serialHex: certificate?.serialHex ?? "" }]);
    expect([await found(host, "served-expired"), await found(host, "served-foreign")]).toEqual([true, false]);
    expect(noticesOf(await watch(host, 2))).toEqual(["bundle", { service: host, reason: "served-expired" }]);
    harness.clock.advance(1_000);
    const csrDer = harness.csrOf(host);
    await harness.ca.issue({ csrDer });
    await expect.poll(async () => (await get(host)).certificate?.servedAt).toBeUndefined();
    expect(await found(host, "served-expired")).toBe(false);
    harness.clock.advance(600_000);
    expect(await found(host, "served-expired")).toBe(true);
  });

  it("reminds of a certificate that nobody renews, and tells of one that is lost", async () => {
    await approveGuest();
    const { certificateId } = await provision();
    await harness.ca.as().certificates.revoke({
      ...{ requestId: randomUUID(), organisation: "brandenburg", certificateId, invalidityDate: undefined },
      reason: RevocationReason.KEY_COMPROMISE,
    });
    await expect.poll(async () => (await get(guest)).state).toBe(ServiceState.PENDING_CERT);
    expect(noticesOf(await watch(host, 2))).toContainEqual({ service: guest, reason: "no-certificate" });
    harness.clock.advance(70 * 86_400_000);
    await harness.discovery.runChores();
    expect(noticesOf(await watch(host, 3))).toContainEqual({ service: host, reason: "expiring" });
  });

  it("tells nobody of a service that is not approved", async () => {
    await harness.as().registry.remove(named(host));
    expect(await found(host, "served-expired")).toBe(false);
    expect(
      await harness.discovery.store.write(() =>
        harness.discovery.provisioning.found({ organisation: "brandenburg", service: "nobody" }, "served-expired"),
      ),
    ).toBe(false);
  });
});

describe("a stream", () => {
  it("resumes after the event that was seen last, over a restart", async () => {
    await approveGuest();
    const [bundle, notice] = await watch(host, 2);
    await harness.restart();
    expect(await watch(host, 1, bundle?.eventId)).toEqual([notice]);
    const later = watch(host, 1, notice?.eventId);
    await found(host, "served-expired");
    harness.clock.advance(600_001);
    expect(await found(host, "served-expired")).toBe(true);
    expect(noticesOf(await later)).toEqual([{ service: host, reason: "served-expired" }]);
  });

  it("is a service's own", async () => {
    await approveGuest();
    await enrol("other");
    expect(noticesOf(await watch("other", 1))).toEqual(["bundle"]);
    await expect(watch(host, 1, "x")).rejects.toThrow(code("REQUEST_MALFORMED"));
    for (const attempt of [harness.as(ADMIN).agents, harness.as(uriOf(host), uriOf(host)).agents]) {
      const first = async () => {
        for await (const event of attempt.watch({ lastEventId: "" })) return event;
        return undefined;
      };
      await expect(first()).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    }
  });
});

describe("provisioning is refused", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ["to another agent", () => enrol("stranger").then(() => provision({}, "stranger")), "NOT_FOUND"],
    ["for the agent's own service", () => provision({ service: host, csrDer: harness.csrOf(host) }), "NOT_FOUND"],
    ["for a service that does not exist", () => provision({ service: "nobody" }), "NOT_FOUND"],
    [
      "for other names",
      () => provision({ csrDer: harness.csrOf(guest, { dns: ["a.vcc.internal"] }) }),
      "NAME_NOT_ALLOWED",
    ],
    ["with another service's request", () => provision({ csrDer: harness.csrOf(host) }), "NAME_NOT_ALLOWED"],
    ["without request id", () => provision({ requestId: "" }), "REQUEST_MALFORMED"],
    [
      "to a person",
      () => harness.as(ADMIN).agents.provision({ requestId: "a", service: guest, csrDer: new Uint8Array() }),
      "CALLER_NOT_ALLOWED",
    ],
  ])("%s", async (_, attempt, expected) => {
    await approveGuest();
    await expect(attempt()).rejects.toThrow(code(expected));
  });

  it("for a service that was removed", async () => {
    await approveGuest();
    await harness.as().registry.remove(named(guest));
    await expect(provision()).rejects.toThrow(code("ENROLMENT_REFUSED"));
  });
});

describe("a report", () => {
  it("stands in the history, and a failure is an event", async () => {
    await report([{ serialHex: "0a" }, { kind: AgentEventKind.FAILED, detail: "reload hook: exit code 1" }]);
    const { changes } = await harness.as().registry.getHistory(named(host));
    expect(changes.slice(0, 2)).toMatchObject([
      { change: "failed", reason: "reload hook: exit code 1", actor: uriOf(host) },
      { change: "deployed", reason: "0a" },
    ]);
    expect(eventsOf(host).at(-1)).toBe("failed");
    await report([{ kind: AgentEventKind.SERVED, serialHex: "0a" }]);
    expect((await get(host)).certificate?.servedAt).toBeUndefined();
  });

  it.each<[string, Partial<AgentEvent>, string]>([
    ["about a service that is not the agent's", { service: "argus" }, "NOT_FOUND"],
    ["of no kind", { kind: AgentEventKind.UNSPECIFIED }, "REQUEST_MALFORMED"],
    ["with a serial number that is none", { serialHex: "0A" }, "REQUEST_MALFORMED"],
    ["that is too long", { detail: "x".repeat(501) }, "REQUEST_MALFORMED"],
    ["with a line break", { detail: "a\nb" }, "REQUEST_MALFORMED"],
    ["with an anchor that is none", { anchorsSha256: [new Uint8Array(20)] }, "REQUEST_MALFORMED"],
  ])("%s is refused, and nothing of it stays", async (_, fields, expected) => {
    await expect(report([{}, fields])).rejects.toThrow(code(expected));
    const { changes } = await harness.as().registry.getHistory(named(host));
    expect(changes.some(({ change }) => change === "deployed")).toBe(false);
  });

  it("of too much, or of a person, is refused", async () => {
    await expect(report(Array(101).fill({}))).rejects.toThrow(code("REQUEST_MALFORMED"));
    await expect(harness.as(ADMIN).agents.report({ events: [] })).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
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
  ])("of %s of a provisioning: the repeat gives the one certificate", async (_, what) => {
    await approveGuest();
    const asked = { requestId: randomUUID(), csrDer: harness.csrOf(guest) };
    failCommitOf(harness, kind, what);
    await expect(provision(asked)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    const identity = await provision(asked);
    expect(await provision(asked)).toEqual(identity);
    expect(eventsOf(guest).filter((each) => each === "certified")).toHaveLength(1);
  });

  it("of what a probe has found: told once", async () => {
    harness.clock.advance(600_001);
    failCommitOf(harness, kind, "notices");
    await expect(found(host, "served-expired")).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await recover();
    await found(host, "served-expired");
    expect(eventsOf(host).filter((each) => each === "told")).toHaveLength(1);
  });
});
