import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import { repositoryRoot, type Suite, suitePeers } from "@vcc-pki/suite-tool";
import { sharedMs } from "../worker-process.ts";
import { REPLICAS, type ReplicaName } from "./replica.ts";

const CLI = join(repositoryRoot, "tools/cli/src/main.ts");
/** Whose events these are: what suite services have stamped is the operator's. */
const ORGANISATION = "vcc";
const ALL = 10_000;
/** Events tell of tokens every ten seconds. */
const TOLD_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;
/** What is told of twice may come late. */
const SETTLE_MS = 3_000;

/** A line of `vcc-pki events tail --json`. */
interface Fact {
  readonly type: string;
  readonly data: { readonly replica: string; readonly count: number };
}

/** How many tokens of each replica events have told of, when nothing is stamped any more: as many as are in its log, or whatever it is after
 *  a while. Rejects when the events cannot be followed. */
export async function countTokensTold(suite: Suite): Promise<Record<ReplicaName, number>> {
  const logged = await Promise.all(REPLICAS.map(({ shift }) => countLogged(suite, shift)));
  const counts = followEvents(suite);
  const untilMs = sharedMs() + TOLD_WITHIN_MS;
  const isBehind = () => REPLICAS.some(({ replica }, i) => counts.of(replica) < (logged[i] ?? 0));
  while (isBehind() && sharedMs() < untilMs) await sleep(LOOK_EVERY_MS);
  await sleep(SETTLE_MS);
  await counts.stop();
  return Object.fromEntries(REPLICAS.map(({ name, replica }) => [name, counts.of(replica)])) as Record<
    ReplicaName,
    number
  >;
}

async function countLogged({ home, portOffset }: Suite, shift: number): Promise<number> {
  const peers = suitePeers(home, portOffset + shift);
  try {
    return (await peers.connect(TimestampServiceDefinition, "tsa", "gateway").status({})).tokens;
  } finally {
    peers.close();
  }
}

/** Adds up what all events have told of tokens, from the first on, as an administrator follows them. */
function followEvents({ home, portOffset }: Suite) {
  const words = ["events", "tail", "--organisation", ORGANISATION, "--last", String(ALL), "--json"];
  const env = { ...process.env, PKI_HOME: home, PKI_PORT_OFFSET: String(portOffset) };
  const child = spawn(process.execPath, [CLI, ...words], { env, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "exit");
  const counts = new Map<string, number>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { type, data }: Fact = JSON.parse(line);
    if (type === "pki.timestamp.issued.v1") counts.set(data.replica, (counts.get(data.replica) ?? 0) + data.count);
  });
  return {
    /** Of the replica that calls itself so. */
    of: (replica: string): number => counts.get(replica) ?? 0,
    /** Rejects when it had ended before. */
    async stop(): Promise<void> {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      child.kill("SIGINT");
      await ended;
      if (hasEnded) throw new Error(`vcc-pki events tail ended with exit code ${child.exitCode}`);
    },
  };
}
