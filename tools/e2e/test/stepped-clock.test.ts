import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemClock } from "@vcc-pki/time";
import { type Responder, startResponder } from "@vcc-pki/tsa/ntp-responder";
import { buildTimeStampReq, imprintData, PKI_FAILURE_INFO, parseTimeStampResp } from "@vcc-pki/x509";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { type FakedClock, fakeClock } from "./faked-clock.ts";
import { eventually, type Suite, startSuite } from "./suite.ts";

const OFFSET = 15_500;
const REPLICA = "stepped";
const PORTS = { listen: 7414, health: 9414, http: 8092 };
const repositoryRoot = resolve(import.meta.dirname, "../../..");

/** A replica of the tsa beside the one of the suite, whose clock is ours and whose time has to be proven by servers that tell the machine's. */
let suite: Suite;
let clock: FakedClock;
let missing: string | undefined;
const servers: Responder[] = [];
const stopping = new AbortController();

beforeAll(async () => {
  suite = await startSuite(OFFSET);
  const directory = suite.file(REPLICA);
  mkdirSync(directory);
  try {
    clock = await fakeClock(join(directory, "faketime"));
  } catch (error) {
    missing = (error as Error).message;
    return;
  }
  for (let i = 0; i < 3; i++) servers.push(await startResponder({ now: () => systemClock.now(), advance: () => {} }));
  const file = join(directory, "tsa.yaml");
  writeFileSync(file, stringify(configuration()));
  const environment = { PKI_HOME: suite.home, PKI_PORT_OFFSET: String(OFFSET), ...clock.environment };
  const main = join(repositoryRoot, "services/tsa/src/main.ts");
  void execa(process.execPath, [main, "--config", file], {
    ...{ env: environment, reject: false, stdin: "ignore", cancelSignal: stopping.signal },
    ...{ stdout: { file: join(directory, "log") }, stderr: { file: join(directory, "log") } },
  });
  await eventually(async () => expect(await ask()).toBe("granted"), 60_000);
}, 240_000);
afterAll(async () => {
  stopping.abort();
  for (const server of servers) await server.close();
  await suite?.stop();
}, 60_000);
beforeEach((context) => context.skip(missing !== undefined, missing));

/** The suite's own, but for places, units and the clock. */
function configuration() {
  const usual = parse(readFileSync(join(repositoryRoot, "deploy/config/tsa.yaml"), "utf8"));
  const at = (port: number) => ({ host: "127.0.0.1", port });
  return {
    ...usual,
    ...{ listen: at(PORTS.listen), health: at(PORTS.health), http: at(PORTS.http), replica: REPLICA },
    store: { ...usual.store, file: suite.file(`${REPLICA}/tsa.db`) },
    units: [{ name: "proven", policies: ["1.3.6.1.4.1.32473.2.1"] }],
    clock: { servers: servers.map(({ name }) => name), interval: "2s", retryInterval: "1s", evidencePeriod: "20s" },
  };
}

/** "granted", or the bits of PKIFailureInfo. */
async function ask(): Promise<string> {
  const request = buildTimeStampReq({ messageImprint: imprintData("sha256", randomBytes(8)) });
  const response = await fetch(`http://127.0.0.1:${PORTS.http + OFFSET}/tsa`, {
    ...{ method: "POST", headers: { "content-type": "application/timestamp-query" }, body: Buffer.from(request) },
  });
  const { status, failInfoBits } = parseTimeStampResp(new Uint8Array(await response.arrayBuffer()));
  return status === "granted" ? status : failInfoBits.map(nameOfBit).join("+");
}

const nameOfBit = (bit: number) => Object.entries(PKI_FAILURE_INFO).find(([, number]) => number === bit)?.[0];

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${PORTS.health + OFFSET}/metrics`)).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(" ")[1] ?? 0);
}

const alarms = async () =>
  (await suite.events(100, { organisation: "vcc" }))
    .filter(({ type, data }) => type === "pki.timestamp.alarm.v1" && data.subject === REPLICA)
    .map(({ data: { alarm, raised } }) => `${alarm} ${raised ? "lost" : "back"}`);

describe.each([2, -2])("a running tsa whose clock is set by %d s", (seconds) => {
  it("issues nothing from then on, says so by metric and event, and is back when the clock is right", async () => {
    expect(await ask()).toBe("granted");
    const before = (await alarms()).length;
    clock.set(seconds);
    const answers = new Set([await ask()]);
    // Until it was found wrong by a measurement, and not by the step alone.
    const measured = 'pki_tsa_clock_changes_total{state="offset-too-large"}';
    const changes = await metric(measured);
    await eventually(async () => {
      answers.add(await ask());
      expect(await metric(measured)).toBeGreaterThan(changes);
    });
    answers.add(await ask());
    expect([...answers]).toEqual(["timeNotAvailable"]);
    expect(await metric("pki_tsa_clock_available")).toBe(0);
    await eventually(async () => expect((await alarms()).slice(before)).toEqual(["clock lost"]));

    clock.set(0);
    await eventually(async () => expect(await ask()).toBe("granted"));
    expect(await metric("pki_tsa_clock_available")).toBe(1);
    await eventually(async () => expect((await alarms()).slice(before)).toEqual(["clock lost", "clock back"]));
  });
});
