import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ERRORS, PkiError } from "@vcc-pki/errors";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import { homeAt, suitePeers } from "@vcc-pki/suite-tool";
import { parseCertificate, pemDecode, trustAnchors } from "@vcc-pki/x509";
import { sharedMs, WorkerProcess } from "../worker-process.ts";
import type { FinishOrder } from "../workers.ts";
import { type Attempt, Client, type Repeatable } from "./client.ts";
import { Ledger } from "./ledger.ts";
import type { Figures, Report, WorkerOptions } from "./messages.ts";
import { REPLICAS, type ReplicaName } from "./replica.ts";

// One of the processes that have things stamped by both replicas, in every manner, and compare what they got with the logs in the end.

const HTTP_PORT = 8082;
const TELL_EVERY_MS = 500;
const HTTP_EVERY_MS = 25;
const RPC_EVERY_MS = 60;
const BULK_EVERY_MS = 800;
const MAX_AT_ONCE = 16;
const AGAIN_MS = 100;
/** One answered request in so many is made once more. */
const REPEATED_EVERY = 10;
/** When nothing is killed any more, every manner of asking must have led to a token by then. */
const RECOVERY_MS = 30_000;
const LOOK_UPS_AT_ONCE = 16;

interface Subject {
  readonly name: ReplicaName;
  readonly client: Client;
  readonly service: Remote<typeof TimestampServiceDefinition>;
  readonly ledger: Ledger;
  servedMs: number;
  longestGapMs: number;
}

const self = new WorkerProcess<WorkerOptions, Report, FinishOrder>();
const { home, portOffset } = self.options;
const outcomes: Record<string, number> = {};
const subjects: Subject[] = [];
let repeated = 0;
let lookedUp = 0;

async function main(): Promise<void> {
  for (const { name, shift } of REPLICAS) subjects.push(await meet(name, portOffset + shift));
  const telling = setInterval(tellFigures, TELL_EVERY_MS);
  await Promise.all(
    subjects.flatMap((subject) => [
      self.repeat(HTTP_EVERY_MS, () => atOnce(() => overHttp(subject))),
      self.repeat(RPC_EVERY_MS, () => untilAnswered(subject, "grpc", subject.client.overRpc())),
      self.repeat(BULK_EVERY_MS, () => untilAnswered(subject, "bulk", subject.client.inBulk())),
    ]),
  );
  await Promise.all(subjects.map(recover));
  await Promise.all(subjects.map(lookUpAll));
  clearInterval(telling);
  tellFigures();
}

async function meet(name: ReplicaName, offset: number): Promise<Subject> {
  const service = suitePeers(home, offset).connect(TimestampServiceDefinition, "tsa", "gateway");
  const { units } = await service.status({});
  const anchors = pemDecode(readFileSync(homeAt(home).trust.root, "utf8"), "CERTIFICATE").map(parseCertificate);
  const expected = { policies: units.flatMap(({ policyOids }) => policyOids), trust: trustAnchors({ anchors }) };
  const client = new Client({ url: `http://127.0.0.1:${HTTP_PORT + offset}/tsa`, service, expected });
  return { name, client, service, ledger: new Ledger(), servedMs: sharedMs(), longestGapMs: 0 };
}

const wrong = (what: string): void => self.tell({ type: "wrong", what });

const atOnce = (work: () => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: 1 + randomInt(MAX_AT_ONCE) }, work));

async function overHttp(subject: Subject): Promise<boolean> {
  return note(subject, "http", await subject.client.overHttp());
}

/** As a sound client does: under the same request id until there is a token for everything. Whatever was answered before is answered again. */
async function untilAnswered(subject: Subject, manner: string, request: Repeatable): Promise<void> {
  const answered = new Map<number, string>();
  while (!(await attempt(subject, manner, request, answered))) {
    if (self.isFinishing) return;
    await sleep(AGAIN_MS);
  }
  if (randomInt(REPEATED_EVERY) === 0 && (await attempt(subject, manner, request, answered))) repeated++;
}

/** Whether there is a token for everything. `answered` remembers serial numbers by place. */
async function attempt(
  subject: Subject,
  manner: string,
  request: Repeatable,
  answered: Map<number, string>,
): Promise<boolean> {
  const attempts = await request.attempt();
  for (const [place, one] of attempts.entries()) {
    note(subject, manner, one);
    if (one.kind !== "token") continue;
    const before = answered.get(place) ?? one.serialHex;
    answered.set(place, before);
    if (before !== one.serialHex)
      wrong(`${subject.name} answered a repeated request with ${one.serialHex} after ${before}`);
  }
  return attempts.every(({ kind }) => kind === "token");
}

/** Counts, and says whether it is a token. */
function note(subject: Subject, manner: string, one: Attempt): boolean {
  const name = one.kind === "refused" ? one.failInfo : one.kind === "error" ? one.code : one.kind;
  outcomes[`${manner}: ${name}`] = (outcomes[`${manner}: ${name}`] ?? 0) + 1;
  if (one.kind === "fault") wrong(`${subject.name} over ${manner}: ${one.fault}`);
  if (one.kind !== "token") return false;
  if (!subject.ledger.add(one.serialHex, one.tokenDer))
    wrong(`${subject.name} answered two tokens as ${one.serialHex}`);
  const nowMs = sharedMs();
  subject.longestGapMs = Math.max(subject.longestGapMs, nowMs - subject.servedMs);
  subject.servedMs = nowMs;
  return true;
}

/** Everything runs again: nothing may be refused for long. */
async function recover(subject: Subject): Promise<void> {
  const { client, name } = subject;
  const untilMs = sharedMs() + RECOVERY_MS;
  const manners = {
    http: () => overHttp(subject),
    grpc: () => attempt(subject, "grpc", client.overRpc(), new Map()),
    bulk: () => attempt(subject, "bulk", client.inBulk(), new Map()),
  };
  for (const [manner, ask] of Object.entries(manners)) {
    while (!(await ask())) {
      if (sharedMs() > untilMs) return wrong(`${name} over ${manner} does not come back`);
      await sleep(AGAIN_MS);
    }
  }
}

/** Every token that was answered is in the log as it was answered. */
async function lookUpAll({ name, service, ledger }: Subject): Promise<void> {
  const serials = ledger.serials();
  const work = async () => {
    for (const serialHex of serials) {
      const inLog = await find(service, serialHex);
      if (inLog === undefined) wrong(`${serialHex} was answered by ${name} and is not in its log`);
      else if (!ledger.has(serialHex, inLog))
        wrong(`${serialHex} stands otherwise in the log of ${name} than it was answered`);
      lookedUp++;
    }
  };
  await Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, work));
}

async function find(service: Subject["service"], serialHex: string): Promise<Uint8Array | undefined> {
  for (;;) {
    try {
      return (await service.getToken({ serialHex })).tokenDer;
    } catch (error) {
      if (error instanceof PkiError && error.code === "NOT_FOUND") return undefined;
      if (!(error instanceof PkiError && ERRORS[error.code].retry)) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

function tellFigures(): void {
  const byReplica = (value: (subject: Subject) => number) =>
    Object.fromEntries(subjects.map((subject) => [subject.name, value(subject)])) as Figures["tokens"];
  self.tell({
    ...{ type: "figures", outcomes: { ...outcomes }, repeated, lookedUp },
    tokens: byReplica(({ ledger }) => ledger.size),
    longestGapMs: byReplica(({ longestGapMs }) => longestGapMs),
  });
}

await self.run(main);
