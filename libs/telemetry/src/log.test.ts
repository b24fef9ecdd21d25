import { execFileSync } from "node:child_process";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import { createLogger, type LogLevel, startTelemetry, withSpan } from "./index.ts";

function newLog(level: LogLevel = "debug") {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const clock = { now: () => new Date("2026-11-01T00:00:00Z"), monotonicMs: () => 0 };
  return { lines, log: createLogger({ service: "ca", level, destination, clock }) };
}

/** What a process of its own says on standard output. */
function outputOf(script: string): unknown[] {
  const code = `import { createLogger } from ${JSON.stringify(new URL("./log.ts", import.meta.url).href)};
    const log = createLogger({ service: "ca", level: "info" });
    ${script}`;
  const lines = execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).msg);
}

describe("standard output", () => {
  it.each([
    ["goes on", "setTimeout(() => {}, 10);"],
    ["ends", ""],
    ["exits at once", "process.exit(0);"],
  ])("gets every line in its order when the process %s", (_, end) => {
    expect(outputOf(`log.info("a"); log.warn("b"); setImmediate(() => log.info("c")); ${end}`)).toEqual(
      end.includes("exit") ? ["a", "b"] : ["a", "b", "c"],
    );
  });
});

describe("logger", () => {
  it("writes one JSON object per line: constant message, fields, service, time, level", () => {
    const { log, lines } = newLog();
    log.info("certificate issued", { serialHex: "01ab", count: 3 });
    expect(lines).toEqual([
      {
        ...{ level: "info", time: "2026-11-01T00:00:00.000Z", service: "ca", pid: process.pid },
        ...{ serialHex: "01ab", count: 3, msg: "certificate issued" },
      },
    ]);
  });

  it("keeps to its level and adds the fields of a child", () => {
    const { log, lines } = newLog("warn");
    const child = log.child({ organisation: "brandenburg" });
    child.info("not written");
    child.warn("written");
    expect(lines).toEqual([expect.objectContaining({ level: "warn", organisation: "brandenburg", msg: "written" })]);
  });

  it("writes an error with code, message, stack and its chain of causes", () => {
    const { log, lines } = newLog();
    const root = Object.assign(new Error("refused"), { code: "ECONNREFUSED", password: "hunter2" });
    const error = new PkiError("HSM_UNAVAILABLE", "the token is gone", { cause: root, details: { keyId: "k1" } });
    log.error("signing failed", { error });
    expect(lines[0]?.error).toMatchObject({
      ...{ name: "PkiError", code: "HSM_UNAVAILABLE", message: "the token is gone", details: { keyId: "k1" } },
      stack: expect.stringContaining("log.test.ts"),
      cause: { code: "ECONNREFUSED", message: "refused" },
    });
    expect(JSON.stringify(lines)).not.toContain("hunter2");
  });

  it.each(["pin", "password", "key", "secret", "csr", "csrDer", "privateKey", "PIN"])(
    "never writes %s, at any depth",
    (name) => {
      const { log, lines } = newLog();
      log.child({ [name]: "hunter2" }).info("a", { [name]: "hunter2", request: { inner: [{ [name]: "hunter2" }] } });
      expect(JSON.stringify(lines)).not.toContain("hunter2");
      expect(lines[0]?.[name]).toBe("[redacted]");
    },
  );

  it("writes what only sounds like a secret", () => {
    const { log, lines } = newLog();
    log.info("a", { keyId: "k1", pinFile: "/run/pin", keyAlgorithm: "ec-p256" });
    expect(lines[0]).toMatchObject({ keyId: "k1", pinFile: "/run/pin", keyAlgorithm: "ec-p256" });
  });

  it("survives bytes, big integers, cycles and long lists", () => {
    const { log, lines } = newLog();
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    log.info("a", { der: new Uint8Array(300), serial: 2n ** 70n, cycle, list: Array(1_000).fill(1) });
    expect(lines[0]).toMatchObject({ der: "[300 bytes]", serial: String(2n ** 70n) });
    expect(lines[0]?.list).toHaveLength(100);
  });

  it("adds the trace that is active", async () => {
    const { log, lines } = newLog();
    const telemetry = startTelemetry({ service: "test" });
    const traceId = await withSpan(telemetry.tracer, "work", {}, async (span) => {
      log.info("inside");
      return span.spanContext().traceId;
    });
    log.info("outside");
    await telemetry.shutdown();
    expect(lines.map((line) => line.traceId)).toEqual([traceId, undefined]);
  });
});
