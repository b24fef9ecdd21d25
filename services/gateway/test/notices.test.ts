import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { NoticeList } from "../src/api/notices.ts";
import { refused } from "./https.ts";
import { type LifecycleDoor, newLifecycleDoor } from "./lifecycle-door.ts";

let door: LifecycleDoor;
beforeAll(async () => {
  door = await newLifecycleDoor();
});
afterAll(() => door.close());

const NOTICES = "/api/v1/notices";
const WEBHOOKS = "/api/v1/webhooks";
const HOOK = { webhook_id: "operations", url: "https://receiver.vcc.internal/hooks" };

async function ask<T = Record<string, unknown>>(options: Parameters<LifecycleDoor["knock"]>[0]): Promise<T> {
  const answer = await door.knock(options);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json() as T;
}

describe("webhooks", () => {
  it("are made with a secret that is told once, rotated, and removed; what is sent can be followed", async () => {
    const made = await ask({ path: WEBHOOKS, body: { ...HOOK, kinds: ["service.lapsed"] } });
    expect(made).toMatchObject({ ...HOOK, kinds: ["service.lapsed"], secret: expect.stringMatching(/^whsec_.{44}$/) });
    expect(await refused(door.knock({ path: WEBHOOKS, body: HOOK }))).toEqual([409, "ALREADY_EXISTS"]);
    const list = await ask({ path: WEBHOOKS });
    expect(list).toMatchObject({ webhooks: [HOOK] });
    expect(JSON.stringify(list)).not.toContain("whsec_");

    await door.lifecycle.tell("pki.service.lapsed.v1", {
      service: "argus",
      state: "pending_cert",
      reason: "it expired",
    });
    // Nothing is sent where no network is named.
    await vi.waitFor(
      async () =>
        expect(await ask({ path: `${WEBHOOKS}/operations/deliveries` })).toMatchObject({
          deliveries: [{ state: "waiting", attempts: 1, outcome: "notAllowed", due_at: expect.any(String) }],
        }),
      { timeout: 20_000 },
    );
    expect(await ask({ path: `${WEBHOOKS}/operations/deliveries?state=dead` })).toEqual({ deliveries: [] });
    expect(await ask({ path: `${WEBHOOKS}/operations/replay`, body: { after: 0 } })).toEqual({ waiting: 1 });
    const rotated = await ask({ method: "POST", path: `${WEBHOOKS}/operations/rotate` });
    expect(rotated).toMatchObject({ old_secret_until: expect.any(String) });
    expect(rotated.secret).not.toBe(made.secret);
    expect(await ask({ method: "DELETE", path: `${WEBHOOKS}/operations` })).toEqual({ webhook_id: "operations" });
    expect(await ask({ path: WEBHOOKS })).toEqual({ webhooks: [] });
  });
});

describe("notices", () => {
  it("are listed until somebody takes care of them", async () => {
    const { notices } = await ask<NoticeList>({ path: NOTICES });
    expect(notices).toMatchObject([
      { kind: "service.lapsed", severity: "critical", subject: "argus", text: "it expired" },
    ]);
    const path = `${NOTICES}/${notices[0]?.notice_id}/acknowledge`;
    expect(await ask({ method: "POST", path })).toMatchObject({
      acknowledged_by: expect.stringContaining("/admin/anna"),
    });
    expect(await ask({ path: NOTICES })).toEqual({ notices: [] });
    expect((await ask<NoticeList>({ path: `${NOTICES}?all=true` })).notices).toHaveLength(1);
    expect(await refused(door.knock({ method: "POST", path, as: door.stranger }))).toEqual([404, "NOT_FOUND"]);
  });
});

describe("refused", () => {
  const ROUTES = [
    { path: NOTICES },
    { method: "POST", path: `${NOTICES}/1/acknowledge` },
    { path: WEBHOOKS },
    { path: WEBHOOKS, body: HOOK },
    { method: "DELETE", path: `${WEBHOOKS}/operations` },
    { method: "POST", path: `${WEBHOOKS}/operations/rotate` },
    { path: `${WEBHOOKS}/operations/replay`, body: {} },
    { path: `${WEBHOOKS}/operations/deliveries` },
  ] as const;
  it.each(ROUTES)("$path for who shows no certificate, for a service, and for a stranger", async (route) => {
    expect(await refused(door.knock({ ...route, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
    expect(await refused(door.knock({ ...route, as: door.argus }))).toEqual([403, "CALLER_NOT_ALLOWED"]);
    const foreign = { ...route, path: `${route.path}?organisation=brandenburg`, as: door.stranger };
    expect(await refused(door.knock(foreign))).toEqual([404, "NOT_FOUND"]);
  });

  it.each([
    [{ path: `${NOTICES}?page_token=x` }],
    [{ path: `${NOTICES}?page_size=5000` }],
    [{ method: "POST", path: `${NOTICES}/0/acknowledge` }],
    [{ path: WEBHOOKS, body: { ...HOOK, url: "http://receiver.vcc.internal/" } }],
    [{ path: WEBHOOKS, body: { ...HOOK, url: "https://a:b@receiver.vcc.internal/" } }],
    [{ path: WEBHOOKS, body: { ...HOOK, kinds: ["weather"] } }],
    [{ path: WEBHOOKS, body: { ...HOOK, secret: "mine" } }],
    [{ path: WEBHOOKS, body: { ...HOOK, webhook_id: "A b" } }],
    [{ path: `${WEBHOOKS}/operations/replay`, body: { after: -1 } }],
  ])("what is malformed: %j", async (options) => {
    expect(await refused(door.knock(options))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("a webhook that is not there", async () => {
    expect(await refused(door.knock({ method: "DELETE", path: `${WEBHOOKS}/none` }))).toEqual([404, "NOT_FOUND"]);
  });
});
