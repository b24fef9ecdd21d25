import { RevocationReason } from "@vcc-pki/proto/ca";
import type { WatchResponse } from "@vcc-pki/proto/ocsp";
import { toHex } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMINISTRATOR, AUTHORITY, newOcsp, type OcspHarness } from "./harness.ts";

let suite: OcspHarness;
beforeAll(async () => {
  suite = await newOcsp({ authorities: ["vcc-services-ca", "vcc-admin-ca", "vcc-platform-ca"] });
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
async function next(stream: AsyncIterator<WatchResponse>): Promise<WatchResponse> {
  const { value, done } = await stream.next();
  if (done) throw new Error("the stream has ended");
  return value;
}

describe("Watch", () => {
  it("tells what is revoked and has not expired, then each change", async () => {
    const issuerKeyId = toHex((await suite.authority(AUTHORITY)).subjectKeyIdentifier ?? new Uint8Array());
    const [before, expired, after] = [
      await suite.issue(),
      await suite.issue({ validitySeconds: 7_200 }),
      await suite.issue(),
    ];
    const anna = await suite.issue(ADMINISTRATOR);
    for (const certificate of [before, expired]) await suite.revoke(certificate);
    await suite.ocsp.pull();
    suite.clock.advance(3 * 3_600_000);
    await suite.ocsp.pull();

    const stop = new AbortController();
    const stream = suite.as("gateway").status.watch({}, { signal: stop.signal })[Symbol.asyncIterator]();
    const peer = ({ serialHex, notAfter }: typeof before) => ({
      ...{ authorityId: AUTHORITY, issuerKeyId, serialHex, notAfter },
    });
    expect(await next(stream)).toEqual({ snapshot: true, complete: true, revoked: [peer(before)], released: [] });

    await suite.revoke(after);
    await suite.ocsp.pull();
    expect(await next(stream)).toEqual({ snapshot: false, complete: true, revoked: [peer(after)], released: [] });

    await suite.revoke(anna, RevocationReason.CERTIFICATE_HOLD);
    await suite.ocsp.pull();
    expect((await next(stream)).revoked).toMatchObject([{ authorityId: "vcc-admin-ca", serialHex: anna.serialHex }]);
    await suite.release(anna);
    await suite.ocsp.pull();
    expect((await next(stream)).released).toMatchObject([{ authorityId: "vcc-admin-ca", serialHex: anna.serialHex }]);
    stop.abort(new Error("enough"));
    await expect(stream.next()).rejects.toThrow("enough");
  });

  it("comes in several messages when there is much, the last of which says so", async () => {
    await suite.store.write(() => {
      const insert = suite.store.db.prepare(
        "INSERT INTO certificates (issuer, serial, not_after, revoked_at, reason, epoch) VALUES (1, ?, ?, 0, 0, 1)",
      );
      for (let i = 0; i < 1_200; i++) insert.run(Buffer.from(`serial ${i}`), Date.parse("2027-01-01"));
    });
    const stop = new AbortController();
    const stream = suite.as("ca").status.watch({}, { signal: stop.signal })[Symbol.asyncIterator]();
    const messages = [await next(stream)];
    while (!messages.at(-1)?.complete) messages.push(await next(stream));
    expect(messages.flatMap(({ revoked }) => revoked).length).toBeGreaterThanOrEqual(1_200);
    expect(messages.map(({ complete }) => complete)).toEqual([false, false, true]);
    stop.abort(new Error("enough"));
    await expect(stream.next()).rejects.toThrow("enough");
  });
});

describe("StatusService", () => {
  it.each(["spiffe://vcc.internal/org/vcc/admin/operator", "spiffe://vcc.internal/org/brandenburg/service/argus"])(
    "is not for %s",
    async (caller) => {
      const { status } = suite.as(caller);
      await expect(status.get({ authorityId: AUTHORITY, serial: Uint8Array.of(1) })).rejects.toThrow(
        code("CALLER_NOT_ALLOWED"),
      );
      await expect(status.watch({})[Symbol.asyncIterator]().next()).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    },
  );
});

describe("alarms", () => {
  const alarms = () =>
    suite.store.outbox
      .pending(1_000)
      .filter(({ type }) => type === "pki.status.alarm.v1")
      .map(({ subject, data }) => ({ subject, ...(data as { alarm: string; raised: boolean }) }));

  it("are raised once, as events, and ended once", async () => {
    await suite.ca.ca.runChores();
    await suite.ocsp.refresh();
    await suite.ocsp.examine();
    expect(alarms()).toEqual([]);
    suite.clock.advance(23 * 3_600_000);
    await suite.ocsp.examine();
    await suite.ocsp.examine();
    const raised = alarms();
    expect(new Set(raised.map(({ alarm }) => alarm))).toEqual(new Set(["projection-lag", "answer-age", "list-age"]));
    expect(raised.every((alarm) => alarm.raised)).toBe(true);
    await suite.ca.ca.runChores();
    await suite.ocsp.refresh();
    await suite.ocsp.examine();
    const ended = alarms().filter((alarm) => !alarm.raised);
    expect(ended.map(({ alarm, subject }) => ({ alarm, subject }))).toEqual(
      raised.map(({ alarm, subject }) => ({ alarm, subject })),
    );

    suite.clock.advance(12 * 86_400_000);
    await suite.ocsp.pull();
    await suite.ocsp.examine();
    expect(alarms().slice(-10)).toContainEqual(expect.objectContaining({ alarm: "responder-expiry", raised: true }));
  });
});
