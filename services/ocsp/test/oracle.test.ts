import { randomInt, randomUUID } from "node:crypto";
import { RevocationReason } from "@vcc-pki/proto/ca";
import type { Certificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AskOptions, ask, prove } from "./client.ts";
import { ADMINISTRATOR, newOcsp, type OcspHarness } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
beforeAll(async () => {
  suite = await newOcsp({ events: "by hand", authorities: ["vcc-admin-ca", "vcc-platform-ca"] });
  issuer = await suite.authority("vcc-admin-ca");
});
afterAll(() => suite.close());

type Status = "unknown" | "good" | "revoked";

/** A certificate with what has been true of it since the service last knew everything; the last entry is the truth now. */
interface Known {
  readonly certificate: Certificate;
  statuses: Status[];
  mayRelease: boolean;
}

const known: Known[] = [];
const trail: string[] = [];
const pick = <T>(items: readonly T[]): T | undefined => items[randomInt(Math.max(1, items.length))];
const now = ({ statuses }: Known) => statuses.at(-1);

/** What can happen. Each leaves a word in the trail, which a failure shows. */
const HAPPENINGS: Readonly<Record<string, () => Promise<unknown> | unknown>> = {
  async issue() {
    const names = { uri: [`spiffe://vcc.internal/org/vcc/admin/${randomUUID().slice(0, 8)}`] };
    const certificate = await suite.issue({ ...ADMINISTRATOR, names });
    known.push({ certificate, statuses: ["unknown", "good"], mayRelease: false });
  },
  async revoke() {
    const one = pick(known.filter((each) => now(each) === "good"));
    if (one === undefined) return;
    one.mayRelease = randomInt(2) === 0;
    await suite.revoke(
      one.certificate,
      one.mayRelease ? RevocationReason.CERTIFICATE_HOLD : RevocationReason.SUPERSEDED,
    );
    one.statuses.push("revoked");
  },
  async release() {
    const one = pick(known.filter((each) => each.mayRelease && now(each) === "revoked"));
    if (one === undefined) return;
    await suite.release(one.certificate);
    one.statuses.push("good");
  },
  async deliver() {
    const events = suite.takeEvents().filter(() => randomInt(5) > 0); // some get lost
    if (randomInt(3) === 0) events.reverse();
    for (const event of events.concat(events.slice(0, randomInt(2)))) {
      await suite.bus.publish({ ...event, id: randomUUID() });
    }
  },
  async pull() {
    await suite.ocsp.pull();
    const isWhole = !suite.away.has("ca") && suite.ocsp.currency === "current";
    if (isWhole) for (const one of known) one.statuses = one.statuses.slice(-1);
  },
  async sign() {
    await suite.ocsp.signDue();
  },
  async restart() {
    delete suite.storeFaults.beforeCommit;
    delete suite.storeFaults.afterCommit;
    await suite.restart();
  },
  toggleCa: () => suite.away.delete("ca") || suite.away.add("ca"),
  toggleHsm: () => suite.away.delete("hsm-gateway") || suite.away.add("hsm-gateway"),
  failCommits() {
    const when = randomInt(2) === 0 ? "beforeCommit" : "afterCommit";
    suite.storeFaults[when] = () => {
      if (randomInt(2) === 0) throw new Error("the disk failed");
    };
  },
  heal() {
    delete suite.storeFaults.beforeCommit;
    delete suite.storeFaults.afterCommit;
    suite.away.clear();
  },
  wait: () => suite.clock.advance(randomInt(120_000)),
  stepBack: () => suite.clock.step(-randomInt(5_000)),
};

const WAYS: readonly AskOptions[] = [
  {},
  { method: "GET" },
  { hash: "sha256" },
  { hash: "sha256", method: "GET" },
  { nonce: new Uint8Array(16).fill(3) },
];

async function askAbout({ certificate, statuses }: Known): Promise<void> {
  const way = pick(WAYS);
  const before = [...statuses];
  const response = await ask(suite.url, issuer, certificate.serial, way);
  if (response.responseStatus !== "successful") {
    expect(response.responseStatus).toBe("tryLater");
    return;
  }
  const said = prove(response, issuer, certificate.serial, suite.clock.now()).response.status;
  expect(before, `${certificate.serialHex} was called ${said} after ${trail.slice(-40).join(" ")}`).toContain(said);
}

describe("whatever happens", () => {
  it("no answer is wrong: each was true since the service last knew everything", async () => {
    const names = Object.keys(HAPPENINGS);
    for (let step = 0; step < 600; step++) {
      const name =
        pick([...names, "issue", "revoke", "release", "failCommits", "deliver", "deliver", "pull", "pull", "heal"]) ??
        "pull";
      trail.push(name);
      await HAPPENINGS[name]?.();
      for (let i = 0; i < 4; i++) {
        const one = pick(known);
        if (one !== undefined) await askAbout(one);
      }
    }
  });

  it("and in the end every answer is the truth", async () => {
    await HAPPENINGS.restart?.();
    suite.away.clear();
    suite.clock.advance(10_000);
    await suite.ocsp.refresh();
    await HAPPENINGS.pull?.();
    for (const one of known) {
      expect(one.statuses).toHaveLength(1);
      await expect
        .poll(async () => {
          const response = await ask(suite.url, issuer, one.certificate.serial);
          return response.responseStatus === "successful"
            ? response.data.responses[0]?.status
            : response.responseStatus;
        })
        .toBe(now(one));
    }
  });
});
