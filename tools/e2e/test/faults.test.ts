import { generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createCertificationRequest } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Suite, startSuite } from "./suite.ts";

/** `PKI_NATS_OUTAGE_SECONDS=60` for a long one. */
const NATS_OUTAGE_MS = Number(process.env.PKI_NATS_OUTAGE_SECONDS ?? 8) * 1_000;

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite(12_000);
}, 240_000);
afterAll(() => suite?.stop(), 60_000);

interface Acknowledged {
  readonly requestId: string;
  readonly certId: string;
}

/** Asks for certificates from several workers until told to stop. Like a sound client, it repeats a request that got no answer under the
 *  same Idempotency-Key; a refusal that a repeat cannot mend fails the test. */
function load(prefix: string, workers = 4) {
  const acknowledged: Acknowledged[] = [];
  const running = { value: true };
  let counter = 0;
  async function work(): Promise<void> {
    while (running.value) {
      const requestId = `${prefix}-${counter++}`;
      const name = `${requestId}.vcc.internal`;
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const csr = Buffer.from(createCertificationRequest({ subjectAltNames: { dns: [name] }, privateKey })).toString(
        "base64",
      );
      acknowledged.push({ requestId, certId: await issueUntilAnswered(requestId, csr) });
    }
  }
  async function issueUntilAnswered(requestId: string, csr: string): Promise<string> {
    return eventually(async () => {
      const body = { profile: "mtls_service", csr };
      const path = "/api/v1/certs/request?organisation=brandenburg";
      const answer = await suite.rest("POST", path, body, { "idempotency-key": requestId });
      if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.cert_id as string;
    }, 90_000);
  }
  const done = Promise.all(Array.from({ length: workers }, work));
  return {
    acknowledged,
    async stop(): Promise<readonly Acknowledged[]> {
      running.value = false;
      await done;
      return acknowledged;
    },
  };
}

/** Every acknowledged certificate exists, once: distinct serial numbers, and exactly one certificate for each request. */
async function expectNothingLost(prefix: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const stored: string[] = [];
  let pageToken = "";
  do {
    const page = await suite.rest(
      "GET",
      `/api/v1/certs/list?organisation=brandenburg&name=${prefix}-*&page_size=1000${pageToken && `&page_token=${pageToken}`}`,
    );
    expect(page.status).toBe(200);
    stored.push(...page.body.certificates.map((certificate: { cert_id: string }) => certificate.cert_id));
    pageToken = page.body.next_page_token ?? "";
  } while (pageToken !== "");
  expect(new Set(stored).size).toBe(stored.length);
  expect(new Set(acknowledged.map(({ certId }) => certId))).toEqual(new Set(stored));
}

async function kill(name: string, signal: NodeJS.Signals): Promise<number> {
  const { pid } = (await suite.processes()).find((process) => process.name === name) ?? {};
  if (pid === undefined) throw new Error(`${name} is not running`);
  process.kill(pid, signal);
  return pid;
}

const allReady = () =>
  eventually(async () => expect((await suite.processes()).every(({ state }) => state === "ready")).toBe(true), 60_000);

describe("under load", () => {
  it.each(["hsm-gateway", "ca", "gateway"])(
    "kill -9 of the %s loses nothing and heals by itself",
    async (name) => {
      const issuing = load(`kill-${name}`);
      for (let round = 0; round < 2; round++) {
        const before = issuing.acknowledged.length;
        await eventually(async () => expect(issuing.acknowledged.length).toBeGreaterThan(before + 10));
        await kill(name, "SIGKILL");
        await sleep(500);
        await allReady();
      }
      const acknowledged = await issuing.stop();
      await expectNothingLost(`kill-${name}`, acknowledged);
    },
    240_000,
  );

  it("issues while NATS is away, and publishes everything afterwards", async () => {
    const issuing = load("nats-away");
    const pid = await kill("nats", "SIGSTOP");
    const before = issuing.acknowledged.length;
    await sleep(NATS_OUTAGE_MS);
    expect(issuing.acknowledged.length).toBeGreaterThan(before + 10);
    process.kill(pid, "SIGCONT");
    const acknowledged = await issuing.stop();
    await expectNothingLost("nats-away", acknowledged);

    await eventually(async () => {
      const issued = (await suite.events(10_000, { withinMs: 5_000 + NATS_OUTAGE_MS / 4 })).filter(
        ({ type }) => type === "pki.certificate.issued.v1",
      );
      const published = issued.map(({ data }) => data.certificateId);
      const missing = acknowledged.filter(({ certId }) => !published.includes(certId));
      expect(missing).toEqual([]);
      expect(new Set(published).size).toBe(published.length);
    }, 60_000);
  }, 240_000);
});
