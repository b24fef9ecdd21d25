import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock } from "@vcc-pki/testkit/clock";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseChronyTracking, parseNtpdVariables } from "../src/clock/daemon-report.ts";
import { type DaemonName, DaemonSource } from "../src/clock/daemon-source.ts";
import { readClock, Timeline } from "../src/clock/timeline.ts";

/** In the form of `chronyc -c tracking`, chrony 4: 14 fields, here with a clock 6.5 us slow. Written by hand. */
const CHRONY =
  "CB00710F,203.0.113.15,3,1762000000.123456789,0.000006523,-0.000006747,0.000035822,-3.225,-0.000,0.129,0.013639022,0.001100737,64.2,Normal\n";
/** In the form of `ntpq -c rv`, ntpd 4.2.8: lines broken anywhere between variables. Written by hand. */
const NTPD = `associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd 4.2.8p15@1.3728-o (1)", processor="x86_64",
system="Linux/6.1.0", leap=00, stratum=2, precision=-24, rootdelay=11.405,
rootdisp=28.393, refid=203.0.113.15,
reftime=ecb1f3a0.1f2e3d4c  Sat, Nov  1 2025 12:26:40.121, offset=-0.317215,
frequency=-12.345, sys_jitter=0.212, clk_jitter=0.101, clk_wander=0.011
`;

describe("chronyc tracking", () => {
  it("is read with chrony's own error bound; positive is slow", () => {
    const report = parseChronyTracking(CHRONY);
    expect(report).toMatchObject({ status: "measured", leap: "none", stratum: 3, reference: "cb00710f" });
    if (report.status === "failed") return;
    expect(report.offsetMs).toBeCloseTo(0.006523, 9);
    expect(report.errorMs).toBeCloseTo(13.639022 / 2 + 1.100737, 9);
  });

  it.each([
    ["Insert second", "insert"],
    ["Delete second", "delete"],
  ])("%s", (text, leap) => {
    expect(parseChronyTracking(CHRONY.replace("Normal", text))).toMatchObject({ leap });
  });

  it.each([
    ["nothing", "", "malformed"],
    ["a report for people", "Reference ID    : CB00710F (ntp.example)\nStratum : 3\n", "malformed"],
    ["the 13 fields of old versions", CHRONY.replace(",203.0.113.15", ""), "malformed"],
    ["words for numbers", CHRONY.replace("0.001100737", "soon"), "malformed"],
    ["a negative bound", CHRONY.replace("0.013639022", "-0.013639022"), "malformed"],
    ["not synchronised", CHRONY.replace("Normal", "Not synchronised"), "not-synchronised"],
    ["a clock that follows itself", CHRONY.replace("CB00710F", "7F7F0101"), "not-synchronised"],
    ["stratum 0", CHRONY.replace(",3,", ",0,"), "not-synchronised"],
  ])("%s is no measurement", (_, text, reason) => {
    expect(parseChronyTracking(text)).toMatchObject({ status: "failed", reason });
  });
});

describe("ntpq rv", () => {
  it("is read in milliseconds", () => {
    const report = parseNtpdVariables(NTPD);
    expect(report).toMatchObject({ status: "measured", leap: "none", stratum: 2, reference: "203.0.113.15" });
    if (report.status === "failed") return;
    expect(report.offsetMs).toBe(-0.317215);
    expect(report.errorMs).toBeCloseTo(11.405 / 2 + 28.393, 9);
  });

  it.each([
    ["leap=01", "insert"],
    ["leap=10", "delete"],
    ["leap=1", "insert"],
    ["leap=2", "delete"],
  ])("%s", (text, leap) => {
    expect(parseNtpdVariables(NTPD.replace("leap=00", text))).toMatchObject({ leap });
  });

  it.each([
    ["nothing", "", "malformed"],
    ["an error", "ntpq: read: Connection refused\n", "malformed"],
    ["no offset", NTPD.replace("offset=-0.317215", "offset="), "malformed"],
    ["alarm", NTPD.replace("leap=00", "leap=11"), "not-synchronised"],
    ["alarm, as a number", NTPD.replace("leap=00", "leap=3"), "not-synchronised"],
    ["stratum 16", NTPD.replace("stratum=2", "stratum=16"), "not-synchronised"],
  ])("%s is no measurement", (_, text, reason) => {
    expect(parseNtpdVariables(text)).toMatchObject({ status: "failed", reason });
  });
});

it("no text makes the parsers fail, or a number that is none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.mixedCase(fc.constantFrom(CHRONY, NTPD))), fc.string(), (text, tail) => {
      for (const report of [parseChronyTracking(text + tail), parseNtpdVariables(tail + text)])
        if (report.status === "measured") expect(Number.isFinite(report.offsetMs + report.errorMs)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

describe("the daemon", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "daemon-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const clock = fakeClock();
  /** A program that does this, in the place of chronyc or ntpq. */
  const source = (name: DaemonName, script: string) => {
    const program = join(directory, `program-${Math.abs(script.length)}-${name}`);
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    return new DaemonSource(name, { clock, timeoutMs: 300, program });
  };
  const measure = (daemon: DaemonSource) => daemon.measure(new Timeline(readClock(clock)));

  it("is asked through its program", async () => {
    const chrony = await measure(source("chrony", `[ "$*" = "-n -c tracking" ] && printf '%s' '${CHRONY}'`));
    // A Date shows whole milliseconds, the daemon knows better: one more of error.
    expect(chrony).toMatchObject({ status: "measured", errorMs: 13.639022 / 2 + 1.100737 + 1, monotonicMs: 0 });
    const ntpd = await measure(source("ntpd", `[ "$*" = "-n -c rv 127.0.0.1" ] && printf '%s' '${NTPD}'`));
    expect(ntpd).toMatchObject({ status: "measured", offsetMs: -0.317215 });
  });

  it.each([
    ["fails", "exit 1", "unreachable"],
    ["hangs", "exec sleep 20", "unreachable"],
    ["never stops talking", "yes", "unreachable"],
    ["says nothing", "true", "malformed"],
    ["is two seconds away from its reference", `printf '%s' '${CHRONY.replace("0.013639022", "2.5")}'`, "too-distant"],
  ])("is no witness when its program %s", async (_, script, reason) => {
    expect(await measure(source("chrony", script))).toMatchObject({ status: "failed", reason });
  });

  it("may be absent", async () => {
    const absent = new DaemonSource("chrony", { clock, timeoutMs: 300, program: join(directory, "none") });
    expect(await measure(absent)).toMatchObject({ status: "failed", reason: "absent" });
  });
});
