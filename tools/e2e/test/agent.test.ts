import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { servedAt } from "@vcc-pki/agent";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startCalls } from "./calls.ts";
import { eventually, type Suite, startSuite } from "./suite.ts";

let suite: Suite;
let fingerprint: string;
beforeAll(async () => {
  suite = await startSuite(13_000);
  fingerprint = new X509Certificate(readFileSync(suite.file("trust/root.pem"))).fingerprint256;
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

async function newToken(service: string): Promise<string> {
  const names = { dns_names: [`${service}.vcc.internal`], ip_addresses: [] };
  const path = "/api/v1/enrolment/tokens?organisation=brandenburg";
  const { status, body } = await suite.rest("POST", path, { service, ...names });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.token;
}

const agentOf = (service: string) => {
  const home = suite.file(`agents/${service}`);
  const files = suite.file(`agents/${service}/tls`);
  const config = suite.file(`agents/${service}/agent.yaml`);
  return {
    ...{ home, files, config },
    /** Runs `./pki agent …` with the configuration of this agent. */
    run: (...words: string[]) => suite.pki("agent", ...words, "--config", config),
    enrol(token: string, ...words: string[]) {
      mkdirSync(home, { recursive: true });
      writeFileSync(`${home}/token`, token);
      return this.run(
        ...["enrol", "--server", suite.origin, "--ca-fingerprint", fingerprint, "--token-file", `${home}/token`],
        ...["--organisation", "brandenburg", "--service", service, "--dns", `${service}.vcc.internal`],
        ...["--state-dir", `${home}/state`, "--directory", files, ...words],
      );
    },
  };
};

/** A real HTTPS service that reads cert.pem and key.pem in `files`, and again on SIGHUP, unless it is stubborn. */
async function startService(files: string, port: number, { stubborn = false } = {}): Promise<void> {
  const script = fileURLToPath(import.meta.resolve("@vcc-pki/agent/test-https-service"));
  const env = { ...process.env, STUBBORN: stubborn ? "1" : "0" };
  const service = spawn(process.execPath, [script, files, String(port)], { env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void service.kill("SIGKILL"));
  await once(service.stdout, "data");
}

/** The registry's word on a service. */
const serviceOf = async (service: string) => {
  const { body } = await suite.rest("GET", `/api/v1/services/${service}?organisation=brandenburg`);
  return body;
};

describe("a service on this machine", () => {
  it("goes from a token to a served certificate, and is renewed under load without a failed call", async () => {
    const agent = agentOf("covina");
    const [port, address] = [18_461, "127.0.0.1:18461"];
    const hooks = ["--pid-file", `${agent.files}/pid`, "--prove", address];
    const enrolled = await agent.enrol(await newToken("covina"), ...hooks);
    // The service is not there yet; its files are.
    expect(enrolled.exitCode, `${enrolled.stdout}\n${enrolled.stderr}`).toBe(10);
    await startService(agent.files, port);
    const once = await agent.run("once", "--json");
    expect(once.exitCode, `${once.stdout}\n${once.stderr}`).toBe(0);
    const [{ serial_number: first }] = JSON.parse(String(once.stdout)).identities;
    expect(await servedAt(address)).toBe(first);
    await eventually(async () => expect(await serviceOf("covina")).toMatchObject({ status: "active" }));

    const root = readFileSync(suite.file("trust/root.pem"), "utf8");
    const calls = startCalls(port, "covina.vcc.internal", root);
    for (let n = 0; n < 3; n++) {
      const renewed = await agent.run("renew", "--json");
      expect(renewed.exitCode, `${renewed.stdout}\n${renewed.stderr}`).toBe(0);
    }
    await calls.stop();
    expect(calls.failed).toEqual([]);
    expect(calls.done).toBeGreaterThan(100);
    expect(await servedAt(address)).not.toBe(first);
    const verified = await suite.openssl(
      "verify",
      "-CAfile",
      suite.file("trust/root.pem"),
      "-untrusted",
      `${agent.files}/cert.pem`,
      `${agent.files}/cert.pem`,
    );
    expect(verified.exitCode, String(verified.stderr)).toBe(0);
  }, 120_000);

  it("keeps its old certificate when it does not take the new one, and the registry hears of it", async () => {
    const agent = agentOf("clara-serving");
    const [port, address] = [18_462, "127.0.0.1:18462"];
    await agent.enrol(await newToken("clara-serving"), "--pid-file", `${agent.files}/pid`, "--prove", address);
    await startService(agent.files, port, { stubborn: true });
    const before = await servedAt(address);
    // Shorter than thirty seconds of hope.
    writeFileSync(
      agent.config,
      readFileSync(agent.config, "utf8").replace(`connect: ${address}`, `connect: ${address}\n      within: 1s`),
    );
    expect((await agent.run("once")).exitCode).toBe(0);
    const refused = await agent.run("renew", "--json");
    expect(refused.exitCode, `${refused.stdout}\n${refused.stderr}`).toBe(10);
    const [status] = JSON.parse(String(refused.stdout)).identities;
    expect(status).toMatchObject({ serial_number: before, last_error: { code: "CERTIFICATE_NOT_SERVED" } });
    expect(new X509Certificate(readFileSync(`${agent.files}/cert.pem`)).serialNumber.toLowerCase()).toBe(before);
    const history = await suite.rest("GET", "/api/v1/services/clara-serving/history?organisation=brandenburg");
    expect(JSON.stringify(history.body)).toContain("CERTIFICATE_NOT_SERVED");
  }, 120_000);

  it("gets nothing with a token that is used, or for another service", async () => {
    const token = await newToken("veritas");
    const first = await agentOf("veritas").enrol(token);
    expect(first.exitCode, `${first.stdout}\n${first.stderr}`).toBe(0);
    expect((await agentOf("vpb").enrol(token)).exitCode).toBe(3);
    expect((await agentOf("vpb").enrol(await newToken("veritas"))).exitCode).toBe(3);
  }, 60_000);

  it("waits for an administrator without a token, and its agent provides for another service once that is approved", async () => {
    const agent = agentOf("scraper");
    mkdirSync(agent.home, { recursive: true });
    const identity = (service: string) => ({
      ...{ organisation: "brandenburg", service, dns: [`${service}.vcc.internal`] },
      layout: { directory: `tls/${service}`, profile: { certificate: "cert.pem", key: "key.pem", trust: "ca.pem" } },
    });
    const identities = [identity("scraper"), { ...identity("aat"), managedBy: "scraper" }];
    writeFileSync(agent.config, JSON.stringify({ server: suite.origin, stateDir: "state", identities })); // JSON is YAML.
    const asked = await agent.run("enrol", "scraper", "--ca-fingerprint", fingerprint, "--request");
    expect(asked.exitCode, `${asked.stdout}\n${asked.stderr}`).toBe(6);
    startDaemon(agent.config);

    const [, requestId = ""] = /request (\S+)/.exec(String(asked.stderr)) ?? [];
    const requests = await suite.rest("GET", `/api/v1/enrolment/requests?organisation=brandenburg`);
    const [, publicKey] = /public key \(SHA-256\): (\S+)/.exec(String(asked.stderr)) ?? [];
    expect(requests.body.requests).toMatchObject([{ request_id: requestId, spki_sha256: publicKey }]);
    const decision = `/api/v1/enrolment/requests/${requestId}/decide?organisation=brandenburg`;
    await done(suite.rest("POST", decision, { decision: "approve" }));
    const healthOf = async (name: string) => {
      const { stdout } = await agent.run("status", "--json");
      return JSON.parse(String(stdout)).identities.find((each: { name: string }) => each.name === name);
    };
    await eventually(async () => expect(await healthOf("scraper")).toMatchObject({ health: "ok" }), 60_000);

    const aat = { service: "aat", dns_names: ["aat.vcc.internal"], managed_by: "scraper" };
    await done(suite.rest("POST", "/api/v1/services?organisation=brandenburg", aat));
    await done(suite.rest("POST", "/api/v1/services/aat/approve?organisation=brandenburg", {}));
    await eventually(async () => expect(await healthOf("aat")).toMatchObject({ health: "ok" }), 60_000);
    const { serial_number: serial } = await healthOf("aat");
    expect(await serviceOf("aat")).toMatchObject({ status: "active", certificate: { serial_number: serial } });
  }, 180_000);
});

/** `vcc-agent run`, until the test is over. */
function startDaemon(config: string): void {
  const main = fileURLToPath(import.meta.resolve("@vcc-pki/agent/main"));
  const daemon = spawn(process.execPath, [main, "run", "--config", config], { stdio: "ignore" });
  onTestFinished(async () => {
    const ended = once(daemon, "exit");
    daemon.kill();
    expect((await ended)[0]).toBe(0);
  });
}

async function done(answer: ReturnType<Suite["rest"]>): Promise<void> {
  const { status, body } = await answer;
  expect(status, JSON.stringify(body)).toBeLessThan(300);
}
