import { createHmac, timingSafeEqual } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeliveryState, Severity, type Webhook } from "@vcc-pki/proto/lifecycle";
import { createTestIdentities } from "@vcc-pki/testkit/identity";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ADMIN, type LifecycleHarness, newLifecycle, STRANGER } from "./harness.ts";

const HOUR_MS = 3_600_000;
const identities = createTestIdentities();

/** A receiver that verifies as Standard Webhooks 1.0 says, and answers as the test wants. */
interface Received {
  readonly id: string;
  readonly body: { type: string; data: { subject: string; severity: string } };
  readonly isSigned: boolean;
}
let status = 204;
let secret = "";
let headersOf: (text: string) => Record<string, string> = () => ({});
const received: Received[] = [];
let server: Server;
let url = "";

function verify(headers: NodeJS.Dict<string | string[]>, body: string): boolean {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const expected = createHmac("sha256", key).update(signed).digest();
  return String(headers["webhook-signature"])
    .split(" ")
    .some((each) => {
      const mac = Buffer.from(each.split(",")[1] ?? "", "base64");
      return mac.length === expected.length && timingSafeEqual(mac, expected);
    });
}

/** A busy machine takes its time. */
const eventually = (attempt: () => unknown) => vi.waitFor(attempt, { timeout: 20_000, interval: 20 });

let suite: LifecycleHarness;
beforeAll(async () => {
  const { keyPem, chainPem, trustPem } = identities
    .forUri("spiffe://vcc.internal/pki/receiver", { dns: ["localhost"], ip: ["127.0.0.1"] })
    .current();
  server = createServer({ key: keyPem, cert: chainPem }, async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const id = String(request.headers["webhook-id"]);
    received.push({ id, body: JSON.parse(body), isSigned: verify(request.headers, body) });
    response.writeHead(status, headersOf(id)).end("x".repeat(100_000));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?team=ops`;
  const trustFile = join(mkdtempSync(join(tmpdir(), "vcc-webhooks-")), "roots.pem");
  writeFileSync(trustFile, trustPem);
  suite = await newLifecycle({ webhooks: { networks: ["127.0.0.0/8"], trustFile, timeout: "2s", interval: "1d" } });
});
afterAll(async () => {
  await suite.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  status = 204;
  headersOf = () => ({});
  received.length = 0;
});

const organisation = "";
const door = (requester = ADMIN) => suite.as(requester).notifications;
async function createWebhook(webhookId: string, more: Partial<Webhook> = {}): Promise<void> {
  ({ secret } = await door().createWebhook({ organisation, webhookId, url, kinds: [], ...more }));
}
const removeWebhook = (webhookId: string) => door().removeWebhook({ organisation, webhookId });
const deliveries = async (webhookId: string, state: DeliveryState = DeliveryState.UNSPECIFIED) =>
  (await door().listDeliveries({ organisation, webhookId, state })).deliveries;
let count = 0;
/** Has discovery tell that an agent failed. The subject. */
async function fail(): Promise<string> {
  count += 1;
  const service = `service-${count}`;
  await suite.tell("pki.service.failed.v1", { service, detail: "the disk is full" });
  return service;
}
const outcomes = async (webhookId: string) =>
  (await deliveries(webhookId)).map(({ attempts, outcome }) => `${attempts} ${outcome}`);

describe("a notice", () => {
  it("is raised once, listed, and acknowledged by somebody", async () => {
    const notAfter = "2026-12-24T00:00:00.000Z";
    const certificate = { certificateId: "vcc-services-ca:01ff", authorityId: "vcc-services-ca", serialHex: "01ff" };
    const expiring = { ...certificate, profile: "mtls_service", notAfter, threshold: "1d" };
    await suite.tell("pki.certificate.expiring.v1", expiring);
    await suite.tell("pki.certificate.expiring.v1", expiring);
    await suite.tell("pki.certificate.expiring.v1", { ...expiring, threshold: "7d" });
    const list = () => door().listNotices({ organisation, all: false, pageSize: 0, pageToken: "" });
    await eventually(async () => expect((await list()).notices).toHaveLength(2));
    const [second, first] = (await list()).notices;
    expect(first).toMatchObject({
      ...{ kind: "certificate.expiring", severity: Severity.CRITICAL, subject: "vcc-services-ca:01ff" },
      text: `ends ${notAfter}: 1d left`,
    });
    expect(second).toMatchObject({ severity: Severity.WARNING });
    const noticeId = first?.noticeId ?? 0;
    expect(await door().acknowledge({ organisation, noticeId })).toMatchObject({ acknowledgedBy: ADMIN });
    expect((await list()).notices).toHaveLength(1);
    await expect(door(STRANGER).acknowledge({ organisation, noticeId })).rejects.toMatchObject({ code: "NOT_FOUND" });
    const paged = await door().listNotices({ organisation, all: true, pageSize: 1, pageToken: "" });
    expect(paged.notices.map((each) => each.noticeId)).toEqual([second?.noticeId]);
    const rest = await door().listNotices({ organisation, all: true, pageSize: 1, pageToken: paged.nextPageToken });
    expect(rest.notices.map((each) => each.noticeId)).toEqual([noticeId]);
  });
});

describe("a webhook", () => {
  it("gets what it wants, signed, as it comes", async () => {
    await createWebhook("operations", { kinds: ["renewal.failed"] });
    const subject = await fail();
    await suite.tell("pki.service.unreachable.v1", { service: "argus", state: "unreachable", reason: "no answer" });
    await eventually(() => expect(received).toHaveLength(1));
    expect(received[0]).toMatchObject({
      isSigned: true,
      body: { type: "renewal.failed", data: { subject, severity: "critical" } },
    });
    await eventually(async () => expect(await outcomes("operations")).toEqual(["1 204"]));
    await removeWebhook("operations");
    await expect(deliveries("operations")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("is asked again, later and later, under the same id, until it takes it", async () => {
    await createWebhook("slow");
    status = 500;
    await fail();
    await eventually(async () => expect(await outcomes("slow")).toEqual(["1 500"]));
    await suite.lifecycle.deliver();
    expect(await outcomes("slow")).toEqual(["1 500"]);
    suite.clock.advance(6_000);
    await suite.lifecycle.deliver();
    expect(await outcomes("slow")).toEqual(["2 500"]);
    status = 204;
    suite.clock.advance(5 * 60_000);
    await suite.lifecycle.deliver();
    expect(await outcomes("slow")).toEqual(["3 204"]);
    expect(new Set(received.map(({ id }) => id)).size).toBe(1);
    await removeWebhook("slow");
  });

  it("that fails for three days is given up, and what it missed is sent again when somebody says so", async () => {
    await createWebhook("dead");
    status = 503;
    await fail();
    await eventually(async () => expect(await outcomes("dead")).toEqual(["1 503"]));
    for (let attempt = 0; attempt < 10; attempt += 1) {
      suite.clock.advance(25 * HOUR_MS);
      await suite.lifecycle.deliver();
    }
    expect(await deliveries("dead", DeliveryState.DEAD)).toMatchObject([{ attempts: 10, outcome: "503" }]);
    status = 204;
    expect(await door().replay({ organisation, webhookId: "dead", afterNoticeId: undefined })).toEqual({ waiting: 1 });
    await eventually(async () => expect(await outcomes("dead")).toEqual(["1 204"]));
    const all = await door().listNotices({ organisation, all: true, pageSize: 1000, pageToken: "" });
    const { waiting } = await door().replay({ organisation, webhookId: "dead", afterNoticeId: 0 });
    expect(waiting).toBe(all.notices.length);
    await eventually(async () => expect(await deliveries("dead", DeliveryState.DELIVERED)).toHaveLength(waiting));
    await removeWebhook("dead");
  });

  it("that is gone is given up at once; a redirect is not followed", async () => {
    await createWebhook("gone");
    status = 410;
    await fail();
    await eventually(async () => expect(await deliveries("gone", DeliveryState.DEAD)).toHaveLength(1));
    await removeWebhook("gone");
    await createWebhook("elsewhere");
    status = 302;
    headersOf = () => ({ location: "http://169.254.169.254/latest/meta-data/" });
    await fail();
    await eventually(async () => expect(await outcomes("elsewhere")).toEqual(["1 302"]));
    expect(received).toHaveLength(2);
    await removeWebhook("elsewhere");
  });

  it("has its secret rotated: both sign for a day", async () => {
    await createWebhook("rotated");
    const before = secret;
    const rotated = await door().rotateSecret({ organisation, webhookId: "rotated" });
    expect(rotated.secret).not.toBe(before);
    await fail();
    await eventually(() => expect(received).toHaveLength(1));
    expect(received[0]?.isSigned).toBe(true);
    secret = rotated.secret;
    suite.clock.advance(25 * HOUR_MS);
    await fail();
    await eventually(() => expect(received).toHaveLength(2));
    expect(received[1]?.isSigned).toBe(true);
    secret = before;
    await fail();
    await eventually(() => expect(received).toHaveLength(3));
    expect(received[2]?.isSigned).toBe(false);
    await removeWebhook("rotated");
  });

  it.each([
    ["metadata", "https://169.254.169.254/latest"],
    ["notAllowed", "https://10.0.0.1/"],
    ["loopback", "https://[::1]/"],
    ["unresolved", "https://nobody.invalid/"],
    ["unreachable", "https://127.0.0.1:1/"],
  ])("at an address that is refused or nobody's is not reached: %s", async (outcome, wrong) => {
    await createWebhook("wrong", { url: wrong });
    await fail();
    await eventually(async () => expect(await outcomes("wrong")).toEqual([`1 ${outcome}`]));
    await removeWebhook("wrong");
  });

  it("whose certificate is not of the trusted roots is not believed", async () => {
    const foreign = identities.foreign.forUri("spiffe://vcc.internal/pki/receiver", { ip: ["127.0.0.1"] }).current();
    const stranger = createServer({ key: foreign.keyPem, cert: foreign.chainPem }, (_, response) => response.end());
    await new Promise<void>((done) => stranger.listen(0, "127.0.0.1", done));
    await createWebhook("stranger", { url: `https://127.0.0.1:${(stranger.address() as AddressInfo).port}/` });
    await fail();
    await eventually(async () => expect(await outcomes("stranger")).toEqual(["1 untrusted"]));
    await removeWebhook("stranger");
    stranger.close();
  });

  it.each([
    ["plain HTTP", { url: "http://receiver.vcc.internal/" }],
    ["a password", { url: "https://me:secret@receiver.vcc.internal/" }],
    ["no URL", { url: "receiver" }],
    ["a kind that there is not", { kinds: ["weather"] }],
    ["an id that is none", { webhookId: "A b" }],
  ])("with %s is refused", async (_, more) => {
    const refused = door().createWebhook({ organisation, webhookId: "x", url, kinds: [], ...more });
    await expect(refused).rejects.toMatchObject({ code: "REQUEST_MALFORMED" });
  });

  it("belongs to its organisation, and its id is taken once", async () => {
    await createWebhook("mine");
    await expect(createWebhook("mine")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    const named = { organisation: "", webhookId: "mine" };
    const stranger = door(STRANGER);
    for (const act of [
      () => stranger.rotateSecret(named),
      () => stranger.removeWebhook(named),
      () => stranger.replay({ ...named, afterNoticeId: 0 }),
      () => stranger.listDeliveries({ ...named, state: DeliveryState.UNSPECIFIED }),
      () => stranger.listWebhooks({ organisation: "brandenburg" }),
    ])
      await expect(act()).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(suite.as(ADMIN, "signing").notifications.listWebhooks({ organisation })).rejects.toMatchObject({
      code: "CALLER_NOT_ALLOWED",
    });
    await removeWebhook("mine");
  });

  it.each([
    ["failed and not stored", "beforeCommit"],
    ["failed but stored", "afterCommit"],
  ] as const)("hears of a notice when the commit of its delivery %s", async (_, fault) => {
    await createWebhook("kept");
    let failures = 1;
    const subject = await fail();
    suite.storeFaults[fault] = () => {
      if (failures-- > 0) throw new Error("the disk is gone");
    };
    await suite.lifecycle.deliver().catch(() => {});
    delete suite.storeFaults[fault];
    await eventually(async () => {
      await suite.lifecycle.deliver();
      expect(await outcomes("kept")).toEqual([expect.stringMatching(/^\d 204$/)]);
    });
    expect(received.length).toBeGreaterThan(0);
    expect(received.every(({ body }) => body.data.subject === subject)).toBe(true);
    await removeWebhook("kept");
  });
});
