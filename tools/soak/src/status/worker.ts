import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { suitePeers } from "@vcc-pki/suite-tool";
import { sharedMs, WorkerProcess } from "../worker-process.ts";
import { type Authority, ask, fetchList } from "./asking.ts";
import { Certificates } from "./certificates.ts";
import { type Changing, changing, type Own, PROFILES, type Profile, type REASONS } from "./changing.ts";
import type { Answered, Order, Report, Said, WorkerOptions } from "./messages.ts";

// One of the processes that issue, revoke and ask. Everything it does and hears it tells the conductor, in order.

const ALIVE_EVERY_MS = 250;
const CHANGE_EVERY_MS = 120;
const ASK_EVERY_MS = 8;
const LISTS_EVERY_MS = 1_500;
const ASKERS = 2;
/** How long a change is looked for, and how often. */
const LOOK_FOR_MS = 60_000;
const LOOK_EVERY_MS = 15;
const LOOK_AGAIN_MS = 100;

const self = new WorkerProcess<WorkerOptions, Report, Order>();
const { worker, home, portOffset, graceMs } = self.options;
const peers = suitePeers(home, portOffset);
const certificates = new Certificates();
const authorities = new Map<string, Authority>();
let issued = 0;

type Unstamped<T> = T extends unknown ? Omit<T, "atMs"> : never;
const tell = (report: Unstamped<Report>): void => self.tell({ ...report, atMs: sharedMs() } as Report);

async function main(): Promise<void> {
  const alive = setInterval(() => tell({ type: "alive" }), ALIVE_EVERY_MS);
  const ca = changing(peers, () => !self.isFinishing);
  for (const profile of PROFILES) await issue(ca, profile);
  await Promise.all([
    self.repeat(CHANGE_EVERY_MS, () => change(ca)),
    self.repeat(LISTS_EVERY_MS, fetchLists),
    ...Array.from({ length: ASKERS }, () => self.repeat(ASK_EVERY_MS, askAboutSomething)),
  ]);
  await askAboutAll();
  clearInterval(alive);
  peers.close();
}

async function issue(ca: Changing, profile: Profile): Promise<void> {
  const askedMs = sharedMs();
  const { certificateId, certificate, issuer } = await ca.issue(profile, `soak-${worker}-${issued++}`);
  const { ocspUrls, crlDistributionPoints } = certificate;
  const authorityId = authorityOf(certificateId);
  const [ocspUrl = ""] = ocspUrls;
  const [crlUrl = ""] = crlDistributionPoints;
  authorities.set(authorityId, { authorityId, certificate: issuer, ocspUrl, crlUrl });
  tell({ type: "issued", certificateId, askedMs });
  certificates.add({ certificateId, profile });
}

const authorityOf = (certificateId: string): string => certificateId.slice(0, certificateId.indexOf(":"));

/** One change: issues, revokes for good, puts on hold, or releases, which a hold may have to wait for or not. */
async function change(ca: Changing): Promise<void> {
  const dice = randomInt(100);
  const held = certificates.held();
  if (dice < 45) return unlessFinishing(() => issue(ca, randomInt(3) === 0 ? "mtls_service" : "admin"));
  if (dice < 60 && held !== undefined) return release(ca, held);
  if (dice < 80) {
    const good = certificates.good("admin");
    if (good === undefined) return;
    await alter(good, "certificateHold", () => ca.revoke(good, "certificateHold"));
    if (randomInt(3) === 0) await release(ca, good);
    return;
  }
  const doomed = certificates.good();
  const reason = (["keyCompromise", "superseded", "cessationOfOperation"] as const)[
    randomInt(3)
  ] as keyof typeof REASONS;
  if (doomed !== undefined) await alter(doomed, reason, () => ca.revoke(doomed, reason));
}

const release = (ca: Changing, held: Own): Promise<void> => alter(held, "good", () => ca.release(held));

async function alter({ certificateId }: Own, status: Said, request: () => Promise<void>): Promise<void> {
  const version = certificates.set(certificateId, status);
  await unlessFinishing(async () => {
    tell({ type: "asked", certificateId, status });
    await request();
    tell({ type: "acknowledged", certificateId });
    void lookFor(certificateId, status, version, sharedMs());
  });
}

/** A request that is given up because the end has come is no failure. */
async function unlessFinishing(work: () => Promise<void>): Promise<void> {
  await work().catch((error) => {
    if (!self.isFinishing) throw error;
  });
}

/** Asks until the change is seen, unless the certificate changes again before. */
async function lookFor(certificateId: string, status: Said, version: number, sinceMs: number): Promise<void> {
  while (!self.isFinishing && sharedMs() - sinceMs < LOOK_FOR_MS && certificates.version(certificateId) === version) {
    const { outcome, atMs } = await question(certificateId);
    if (outcome.kind === "said" && outcome.said === status) {
      const isSame = certificates.version(certificateId) === version;
      const what = status === "good" ? "release" : "revocation";
      if (isSame) tell({ type: "seen", change: what, afterMs: atMs - sinceMs });
      return;
    }
    await sleep(outcome.kind === "unavailable" ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
  }
}

async function question(certificateId: string): Promise<Answered> {
  const authority = authorities.get(authorityOf(certificateId));
  if (authority === undefined) throw new Error(`no such authority: ${certificateId}`);
  const answered = await ask(authority, certificateId);
  self.tell({ type: "answered", ...answered });
  return answered;
}

/** Mostly about what has just changed, here or in another worker; now and then about a number that nobody issued. */
async function askAboutSomething(): Promise<void> {
  const certificateId = randomInt(20) === 0 ? neverIssued() : certificates.any();
  const { outcome } = await question(certificateId);
  if (outcome.kind === "unavailable") await sleep(LOOK_AGAIN_MS);
}

/** Twenty octets, as the ca's numbers are, so that the answer cannot be told by the length. */
function neverIssued(): string {
  const all = [...authorities.keys()];
  const serial = randomBytes(20);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return `${all[randomInt(all.length)]}:${serial.toString("hex")}`;
}

async function fetchLists(): Promise<void> {
  for (const authority of authorities.values()) {
    for (const delta of [false, true]) self.tell({ type: "list", ...(await fetchList(authority, delta)) });
  }
}

/** When nothing changes any more and everything has had its time, every answer has to be the right one. */
async function askAboutAll(): Promise<void> {
  await sleep(graceMs + 200);
  for (const certificateId of certificates.all()) {
    while ((await question(certificateId)).outcome.kind !== "said") await sleep(LOOK_AGAIN_MS);
  }
}

await self.run(main, (order) => {
  if (order.type === "look") certificates.look(order.certificateId);
});
