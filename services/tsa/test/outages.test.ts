import type { OutboxMessage } from "@vcc-pki/store";
import { serialToHex } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OpensslClient, post } from "./client.ts";
import { readStatus, request } from "./craft.ts";
import { newTsa, type TsaHarness } from "./harness.ts";

let tsa: TsaHarness;
beforeEach(async () => {
  tsa = await newTsa();
});
afterEach(() => tsa.close());

const answer = async () => readStatus((await post(tsa.url, request())).body);
const granted = { status: 0, failInfo: undefined, hasToken: true };
const refused = (failInfo: string) => ({ status: 2, failInfo, hasToken: false });
const tokens = () => tsa.store.db.prepare<[], { serial: Buffer }>("SELECT serial FROM tokens ORDER BY token").all();
const told = (type: string) =>
  tsa.store.outbox.pending(1_000).filter((message: OutboxMessage) => message.type === type);
/** Serial numbers under which the hsm-gateway has signed time stamps. */
const signed = async () => {
  const { entries } = await tsa.ca.hsm.as("audit").ledger.list({ afterSequence: 0, pageSize: 1_000 });
  return entries.filter(({ payloadType }) => /attributes/i.test(payloadType)).map(({ requestId }) => requestId);
};

describe("without a proven time nothing is issued", () => {
  it("when the clock is set by two seconds, in either direction, at once and until it is right again", async () => {
    expect(await answer()).toMatchObject(granted);
    for (const step of [2_000, -2_000]) {
      tsa.clock.step(step);
      expect(await answer()).toMatchObject(refused("timeNotAvailable"));
      await tsa.tsa.refresh();
      expect(await answer()).toMatchObject({ ...refused("timeNotAvailable"), text: expect.stringContaining("offset") });
      tsa.clock.step(-step);
      await tsa.tsa.refresh();
      expect(await answer()).toMatchObject(granted);
    }
  });

  it("when its servers vanish, within a period, and again without a restart when they are back", async () => {
    for (const server of tsa.servers) server.isAway = true;
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject(granted);
    tsa.clock.advance(300_000);
    expect(await answer()).toMatchObject({
      ...refused("timeNotAvailable"),
      text: expect.stringContaining("evidence-expired"),
    });
    for (const server of tsa.servers) server.isAway = false;
    await tsa.tsa.proof.tick();
    expect(await answer()).toMatchObject(granted);
  });

  it("when its servers disagree; but one liar is outvoted", async () => {
    tsa.servers[0].offsetMs = 5_000;
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject(granted);
    tsa.servers[1].offsetMs = -5_000;
    await tsa.tsa.refresh();
    expect(await answer()).toMatchObject(refused("timeNotAvailable"));
  });

  it("and /readyz, metrics, an event, the audit trail and Status say so, once, and when it is over", async () => {
    expect(await tsa.tsa.ready()).toEqual({ store: true, clock: true, units: true });
    expect(await tsa.metric("pki_tsa_clock_available")).toBe(1);
    tsa.clock.step(2_000);
    await answer();
    await tsa.tsa.tell();
    await tsa.tsa.tell();
    expect(await tsa.metric("pki_tsa_clock_available")).toBe(0);
    expect(await tsa.metric('pki_tsa_clock_changes_total{state="stepped"}')).toBe(1);
    expect(await tsa.metric('pki_tsa_answers_total{outcome="timeNotAvailable"}')).toBe(1);
    expect(await tsa.tsa.ready()).toMatchObject({ clock: "the time is not proven: stepped" });
    expect((await tsa.as("gateway").status({})).clock).toMatchObject({ unavailable: "stepped", unproven: false });
    tsa.clock.step(-2_000);
    await tsa.tsa.refresh();
    await tsa.tsa.tell();
    expect(told("pki.timestamp.alarm.v1").map(({ data }) => data)).toEqual([
      { alarm: "clock", subject: "1", detail: "the time is not proven: stepped", raised: true },
      { alarm: "clock", subject: "1", detail: "the time is not proven: stepped", raised: false },
    ]);
    const actions = tsa.store.audit.read(0, 1_000).map(({ action }) => action);
    expect(actions.filter((action) => action.startsWith("clock."))).toEqual(["clock.lost", "clock.back"]);
  });

  it("and each token names its evidence, which is stored", async () => {
    await answer();
    const evidence = tsa.store.db
      .prepare<[], string>("SELECT body FROM evidence JOIN tokens USING (evidence_id)")
      .pluck()
      .get();
    expect(JSON.parse(evidence ?? "")).toMatchObject({ isProven: true, sources: [{}, {}, {}] });
  });
});

describe("without a key there is a systemFailure", () => {
  it("when the hsm-gateway is away, and again a token without a restart when it is back", async () => {
    tsa.away.add("hsm-gateway");
    expect(await answer()).toMatchObject(refused("systemFailure"));
    tsa.away.clear();
    // The channel waits a moment before it tries a stream again, and asks one by one meanwhile.
    expect(await answer()).toMatchObject(granted);
  });

  it("when the token is pulled out, and again a token when it is plugged in", async () => {
    tsa.ca.hsm.token.unplug();
    expect(await answer()).toMatchObject(refused("systemFailure"));
    tsa.ca.hsm.token.plugIn();
    tsa.clock.advance(10_000); // the hsm-gateway looks for it now and then
    await expect.poll(answer).toMatchObject(granted);
  });

  it("when what the token signs is wrong: it is seen by nobody", async () => {
    tsa.ca.hsm.token.spoilSignatures(true);
    expect(await answer()).toMatchObject(refused("systemFailure"));
    expect(tokens()).toEqual([]);
    tsa.ca.hsm.token.spoilSignatures(false);
    expect(await answer()).toMatchObject(granted);
  });

  it("when its key is gone from the token: another one is made", async () => {
    const [before] = await tsa.certificates();
    const { keyId, organisation } = tsa.store.db
      .prepare<[], { keyId: string; organisation: string }>("SELECT key_id AS keyId, organisation FROM unit_keys")
      .get() ?? { keyId: "", organisation: "" };
    await tsa.ca.hsm.as("tsa").keys.disableKey({ requestId: "off", organisation, keyId });
    expect(await answer()).toMatchObject(refused("systemFailure"));
    await expect.poll(answer, { timeout: 20_000 }).toMatchObject(granted);
    expect((await tsa.certificates()).at(-1)?.serialHex).not.toBe(before?.serialHex);
  });
});

describe("the log", () => {
  it("holds every token before it is answered, under the serial number it was signed under", async () => {
    expect(await answer()).toMatchObject(granted);
    const [token] = tokens();
    expect(await signed()).toEqual([serialToHex(token?.serial ?? new Uint8Array())]);
  });

  it("failed and not stored: no answer, and the signature shows in the ledger under a number without token", async () => {
    tsa.storeFaults.beforeCommit = () => {
      throw new Error("disk full");
    };
    expect(await answer()).toMatchObject(refused("systemFailure"));
    tsa.storeFaults.beforeCommit = undefined;
    expect([tokens().length, (await signed()).length]).toEqual([0, 1]);
    await tsa.restart();
    expect(await answer()).toMatchObject(granted);
    expect(tokens()).toHaveLength(1);
  });

  it("failed but stored: no answer, and the token stands in the log", async () => {
    tsa.storeFaults.afterCommit = () => {
      throw new Error("who knows");
    };
    expect(await answer()).toMatchObject(refused("systemFailure"));
    tsa.storeFaults.afterCommit = undefined;
    expect(tokens()).toHaveLength(1);
    expect(await answer()).toMatchObject(granted);
    await tsa.restart();
    expect(tokens()).toHaveLength(2);
    expect(await signed()).toEqual(tokens().map(({ serial }) => serialToHex(serial)));
  });

  it("comes back after a restart, and what was not told of it is", async () => {
    for (let i = 0; i < 3; i++) expect(await answer()).toMatchObject(granted);
    tsa.storeFaults.beforeCommit = () => {
      throw new Error("killed");
    };
    await tsa.tsa.close();
    tsa.storeFaults.beforeCommit = undefined;
    await tsa.restart();
    expect(await answer()).toMatchObject(granted);
    await tsa.tsa.tell();
    await tsa.tsa.tell();
    const [first, , , last] = tokens().map(({ serial }) => serialToHex(serial));
    expect(told("pki.timestamp.issued.v1").map(({ data }) => data)).toEqual([
      expect.objectContaining({ unit: "main", replica: "1", count: 4, firstSerialHex: first, lastSerialHex: last }),
    ]);
  });

  it("forgets what is older than it is kept, and counts on", async () => {
    for (let i = 0; i < 3; i++) await answer();
    tsa.clock.advance(10 * 365 * 86_400_000 + 1);
    await tsa.tsa.forget();
    expect(tokens()).toHaveLength(1); // the newest, so that row numbers go on
  });
});

describe("openssl", () => {
  it("accepts a token after an outage of everything", async () => {
    const openssl = new OpensslClient();
    tsa.away.add("hsm-gateway").add("ca");
    await answer();
    tsa.away.clear();
    await tsa.tsa.refresh();
    const query = openssl.query("after", "-cert");
    expect(await openssl.verify(tsa, query, (await post(tsa.url, query)).body)).toBe("OK");
    openssl.close();
  });
});
