import { randomBytes } from "node:crypto";
import { fakeClock } from "@vcc-pki/testkit/clock";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { measureExchange } from "../src/clock/ntp-measurement.ts";
import { NTP_PACKET_OCTETS, ntpDifferenceMs, parseNtpPacket, toNtpTimestamp } from "../src/clock/ntp-packet.ts";
import { NtpSource } from "../src/clock/ntp-source.ts";
import type { Measurement } from "../src/clock/source.ts";
import { readClock, Timeline } from "../src/clock/timeline.ts";
import { type Behaviour, type Responder, startResponder } from "./clock-responder.ts";

const OPTIONS = { random: randomBytes, timeoutMs: 80, intervalMs: 64_000, driftPpm: 50 };
let clock = fakeClock();
let server: Responder;
let source: NtpSource;
const start = async (behaviour: Partial<Behaviour> = {}, at?: string) => {
  await server?.close().catch(() => {});
  clock = fakeClock(at);
  server = await startResponder(clock, behaviour);
  source = new NtpSource({ host: "127.0.0.1", port: server.port }, { ...OPTIONS, clock });
};
const measure = () => source.measure(new Timeline(readClock(clock)));
const measured = async (): Promise<Measurement> => {
  const report = await measure();
  if (report.status === "failed") throw new Error(`${report.reason}: ${report.detail}`);
  return report;
};
const reasonOf = async () => {
  const report = await measure();
  return report.status === "failed" ? report.reason : "measured";
};
beforeEach(() => start());
afterEach(() => server.close().catch(() => {}));

describe("an NTP exchange", () => {
  it("tells how far the clock is off and how sure that is", async () => {
    await start({
      offsetMs: 250,
      travelMs: [10, 5, 10],
      rootDelayMs: 8,
      rootDispersionMs: 3,
      stratum: 1,
      reference: "GPS\0",
    });
    const report = await measured();
    expect(report).toMatchObject({ leap: "none", stratum: 1, reference: "GPS", address: server.name });
    expect(report.offsetMs).toBeCloseTo(250, 3);
    expect(report.delayMs).toBeCloseTo(20, 3);
    // delay / 2 + root delay / 2 + root dispersion + 2^-20 s + 50 ppm of the 25 ms it took
    expect(report.errorMs).toBeCloseTo(10 + 4 + 3 + 0.00095 + 0.00125, 2);
  });

  it.each([
    [30, 0],
    [0, 30],
    [7, 19],
  ])("stays within its error bound when the way there takes %d ms and the way back %d", async (there, back) => {
    await start({ offsetMs: -40, travelMs: [there, 2, back] });
    const { offsetMs, errorMs } = await measured();
    expect(Math.abs(offsetMs + 40)).toBeLessThanOrEqual(errorMs);
  });

  it("gives nothing away: all zero but version, mode and a cookie that is new each time", async () => {
    await measured();
    await measured();
    const [first, second] = server.questions as [Buffer, Buffer];
    expect(first.length).toBe(NTP_PACKET_OCTETS);
    expect(first.subarray(0, 40)).toEqual(Buffer.concat([Buffer.from([0x23]), Buffer.alloc(39)]));
    expect(first.subarray(40)).not.toEqual(second.subarray(40));
  });

  it.each([
    ["2036-02-07T06:28:15.900Z", 200],
    ["2036-02-07T06:28:16.100Z", -200],
    ["2036-02-07T06:28:15.000Z", 86_400_000],
    ["2104-02-26T09:42:24.000Z", -500],
    ["2172-03-15T12:56:31.999Z", 3_000],
  ])("is right across the end of an era: %s, %d ms", async (at, offsetMs) => {
    await start({ offsetMs, setAgoMs: 60_000, travelMs: [3, 0, 3] }, at);
    expect((await measured()).offsetMs).toBeCloseTo(offsetMs, 2);
  });

  it.each([
    [1, "insert"],
    [2, "delete"],
  ])("passes on leap indicator %d as %s", async (leap, word) => {
    await start({ leap });
    expect((await measured()).leap).toBe(word);
  });

  it.each<[string, Partial<Behaviour>, string]>([
    ["is not synchronised", { leap: 3 }, "not-synchronised"],
    ["has stratum 16", { stratum: 16 }, "not-synchronised"],
    ["is a client", { mode: 3 }, "malformed"],
    ["broadcasts", { mode: 5 }, "malformed"],
    ["speaks version 3", { version: 3 }, "malformed"],
    ["may be wrong by a second", { rootDispersionMs: 1_100 }, "too-distant"],
    ["is two seconds away from its reference", { rootDelayMs: 2_100 }, "too-distant"],
    ["has a clock that ticks every two seconds", { precision: 1 }, "too-distant"],
    ["took longer than a second each way", { travelMs: [1_100, 0, 1_100] }, "too-distant"],
    ["was set in the future", { setAgoMs: -5_000 }, "implausible"],
    ["thinks backwards", { answers: (answer) => [swapTimes(answer)], travelMs: [0, 9, 0] }, "implausible"],
    ["thought longer than the answer took", { answers: (answer) => [laterTransmit(answer)] }, "implausible"],
    ["has no time", { answers: (answer) => [answer.fill(0, 32, 40)] }, "malformed"],
    ["sends a huge packet", { answers: (answer) => [Buffer.concat([answer, Buffer.alloc(9_000)])] }, "malformed"],
    [
      "adds an authenticator that nobody asked for",
      { answers: (answer) => [Buffer.concat([answer, Buffer.alloc(20)])] },
      "malformed",
    ],
    ["is silent", { silent: true }, "unreachable"],
    ["sends half a packet", { answers: (answer) => [answer.subarray(0, 24)] }, "unreachable"],
    ["sends an empty datagram", { answers: () => [Buffer.alloc(0)] }, "unreachable"],
    ["answers another question", { answers: (answer) => [answer.fill(7, 24, 32)] }, "unreachable"],
    ["answers no question", { answers: (answer) => [answer.fill(0, 24, 32)] }, "unreachable"],
    ["echoes the question", { answers: (_, question) => [question] }, "unreachable"],
    ["answers from another port", { fromElsewhere: true }, "unreachable"],
    [
      "sends a kiss of death that somebody made up",
      { answers: (answer) => [kiss(answer, "DENY").fill(7, 24, 32)] },
      "unreachable",
    ],
  ])("is refused when the server %s", async (_, behaviour, reason) => {
    await start(behaviour);
    expect(await reasonOf()).toBe(reason);
  });

  it("does not take an old answer for a new one", async () => {
    await measured();
    const [old] = server.questions as [Buffer];
    server.behaviour.answers = (answer) => {
      old.copy(answer, 24, 40, 48);
      return [answer];
    };
    expect(await reasonOf()).toBe("unreachable");
  });

  it("is not hurt by forgeries that come before the answer, nor by the answer coming twice", async () => {
    const forged = (answer: Buffer) => Buffer.from(answer).fill(1, 24, 32);
    server.behaviour.answers = (answer) => [
      forged(answer),
      kiss(forged(answer), "DENY"),
      answer.subarray(1),
      answer,
      answer,
    ];
    expect((await measured()).offsetMs).toBeCloseTo(0, 3);
    expect(await reasonOf()).toBe("measured");
  });

  it("ends at once when nobody listens, and when there is no such name", async () => {
    await server.close();
    expect(await reasonOf()).toBe("unreachable");
    source = new NtpSource({ host: "no-such-host.invalid", port: 123 }, { ...OPTIONS, clock });
    expect(await reasonOf()).toBe("unreachable");
  });

  it("is not moved by a clock step on its way", async () => {
    const timeline = new Timeline(readClock(clock));
    server.behaviour.answers = (answer) => {
      clock.step(5_000);
      return [answer];
    };
    const report = await source.measure(timeline);
    expect(report).toMatchObject({ status: "measured" });
    expect((report as Measurement).offsetMs).toBeCloseTo(0, 3);
  });
});

describe("a kiss of death", () => {
  const sendKiss = (code: string) => {
    server.behaviour.answers = (answer) => [kiss(answer, code)];
  };

  it.each(["DENY", "RSTR"])("%s is obeyed for a day", async (code) => {
    sendKiss(code);
    expect(await reasonOf()).toBe("kiss-of-death");
    server.behaviour.answers = (answer) => [answer];
    clock.advance(86_399_000);
    expect(await reasonOf()).toBe("backing-off");
    expect(server.questions.length).toBe(1);
    clock.advance(1_000);
    expect(await reasonOf()).toBe("measured");
  });

  it("RATE halves the rate, each time, for good", async () => {
    sendKiss("RATE");
    expect(await reasonOf()).toBe("kiss-of-death");
    clock.advance(127_000);
    expect(await reasonOf()).toBe("backing-off");
    clock.advance(1_000);
    expect(await reasonOf()).toBe("kiss-of-death");
    server.behaviour.answers = (answer) => [answer];
    clock.advance(255_000);
    expect(await reasonOf()).toBe("backing-off");
    clock.advance(1_000);
    expect(await reasonOf()).toBe("measured");
    clock.advance(64_000);
    expect(await reasonOf()).toBe("backing-off");
  });

  it.each(["INIT", "STEP", "XYZW"])("%s is no time, and no reason to wait", async (code) => {
    sendKiss(code);
    expect(await reasonOf()).toBe("kiss-of-death");
    server.behaviour.answers = (answer) => [answer];
    expect(await reasonOf()).toBe("measured");
  });
});

describe("the arithmetic", () => {
  const MOMENT = fc.integer({ min: Date.UTC(1970), max: Date.UTC(2200) });
  const WITHIN_68_YEARS = fc.integer({ min: -(2 ** 31) * 1_000 + 1_000, max: 2 ** 31 * 1_000 - 1_000 });

  it.each([
    ["1970-01-01T00:00:00Z", 0x83aa_7e80_0000_0000n],
    ["1970-01-01T00:00:00.500Z", 0x83aa_7e80_8000_0000n],
    ["2036-02-07T06:28:15Z", 0xffff_ffff_0000_0000n],
    ["2036-02-07T06:28:16Z", 0n],
  ])("%s is a timestamp of RFC 5905 figure 4", (text, timestamp) => {
    expect(toNtpTimestamp(Date.parse(text))).toBe(timestamp);
  });

  it("finds any difference within 68 years, in any era, to a microsecond", () => {
    fc.assert(
      fc.property(MOMENT, WITHIN_68_YEARS, (from, difference) => {
        const found = ntpDifferenceMs(toNtpTimestamp(from + difference), toNtpTimestamp(from));
        expect(Math.abs(found - difference)).toBeLessThan(0.001);
      }),
    );
  });

  it("makes of a spoilt answer a measurement with a bound, or nothing", () => {
    const timeline = new Timeline(readClock(fakeClock()));
    const good = new Uint8Array(48);
    good.set([0x24, 2, 0, 0xec]);
    new DataView(good.buffer).setBigUint64(16, toNtpTimestamp(timeline.at(-60_000)));
    for (const at of [32, 40]) new DataView(good.buffer).setBigUint64(at, toNtpTimestamp(timeline.at(500)));
    const value = fc.oneof(fc.constantFrom(0, 1, 15, 16, 255), fc.nat(255));
    const spoiling = fc.array(fc.tuple(fc.oneof(fc.nat(15), fc.nat(47)), value), { maxLength: 3 });
    const seen = new Set<string>();
    fc.assert(
      fc.property(spoiling, fc.integer({ min: 0, max: 2_200 }), (changes, elapsedMs) => {
        const octets = good.slice();
        for (const [at, spoilt] of changes) octets[at] = spoilt;
        const packet = parseNtpPacket(octets);
        const answer = { packet, octets: octets.length, address: "a:1", sentAtMs: 0, receivedAtMs: elapsedMs };
        const report = measureExchange(answer, timeline, 50);
        seen.add(report.status === "failed" ? report.reason : "measured");
        if (report.status === "failed") return;
        expect(Number.isFinite(report.offsetMs)).toBe(true);
        expect(report.errorMs).toBeGreaterThanOrEqual(elapsedMs === 0 ? 0 : (report.delayMs - 1) / 2);
        expect(report.errorMs).toBeLessThanOrEqual(1_000);
      }),
      { numRuns: 5_000 },
    );
    const all = ["implausible", "kiss-of-death", "malformed", "measured", "not-synchronised", "too-distant"];
    expect([...seen].sort()).toEqual(all);
  });

  it("survives whatever comes over the wire", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), fc.boolean(), async (octets, withCookie) => {
        server.behaviour.answers = (answer) => {
          const noise = Buffer.from(octets);
          if (withCookie && noise.length >= 48) answer.copy(noise, 24, 24, 32);
          return [noise, answer];
        };
        const report = await measure();
        if (octets.length < 48 || !withCookie) expect(report.status).toBe("measured");
      }),
      { numRuns: 60 },
    );
  });
});

/** A kiss-of-death packet: stratum 0, code as reference. */
function kiss(answer: Buffer, code: string): Buffer {
  const octets = Buffer.from(answer);
  octets[1] = 0;
  octets.write(code, 12, 4, "latin1");
  return octets;
}

function swapTimes(answer: Buffer): Buffer {
  return Buffer.concat([answer.subarray(0, 32), answer.subarray(40, 48), answer.subarray(32, 40)]);
}

/** Sent half a second later than it can have been. */
function laterTransmit(answer: Buffer): Buffer {
  const octets = Buffer.from(answer);
  octets.writeBigUInt64BE(octets.readBigUInt64BE(40) + (1n << 31n), 40);
  return octets;
}
