import { fork } from "node:child_process";
import { join } from "node:path";
import { systemClock } from "@vcc-pki/time";
import {
  hasCeremony,
  platformExpiredAt,
  renewPlatform,
  runDevelopmentCeremony,
  servicesWithoutIdentity,
} from "./ceremony.ts";
import { issueFirstCertificate } from "./first-certificate.ts";
import type { Home } from "./home.ts";
import { isLocked } from "./lock.ts";
import { showLogs } from "./logs.ts";
import { NotReadyError, type SuiteEvent } from "./process.ts";
import { createProgress, type Progress } from "./progress.ts";
import { suiteSpecs } from "./suite.ts";
import { supervise } from "./supervise.ts";
import { whereToLook } from "./where-to-look.ts";

export interface UpOptions {
  readonly home: Home;
  readonly portOffset: number;
  readonly detach: boolean;
  /** Whether to issue a first certificate when there is none. */
  readonly firstCertificate: boolean;
}

/** Brings the suite up and stays until it is told to stop; with `detach`, until everything is ready. Answers whether all went
 *  well, the first certificate included. */
export async function up(options: UpOptions): Promise<boolean> {
  const progress = createProgress();
  if (isLocked(options.home)) {
    progress.say(`already running from ${options.home.directory} (./pki status shows it)`);
    return true;
  }
  const signals = stopOnSignals(progress);
  try {
    return await startAll(options, progress, signals);
  } catch (error) {
    if (signals.stop.aborted) return true; // what was cancelled may complain
    if (error instanceof NotReadyError) progress.say(await newestLines(options.home, error.process));
    throw error;
  } finally {
    progress.end();
  }
}

async function startAll(options: UpOptions, progress: Progress, { stop, kill }: Signals): Promise<boolean> {
  const { home, detach } = options;
  suiteSpecs(options); // a configuration that cannot be read is better known now

  // 1. An empty home gets its keys and authorities first.
  if (!hasCeremony(home)) {
    progress.say(`First start: ${home.directory} holds no authorities yet, so the development ceremony is run.`);
    progress.say(
      "Its keys are in a software token and its custodians on this disk; for production see deploy/ceremony/README.md.\n",
    );
    await runDevelopmentCeremony(home, stop);
    progress.say("");
  }

  // 2. One that was down for longer than its own certificates live needs new ones, and one that is older than a service its first.
  const expiredAt = platformExpiredAt(home, systemClock);
  const newcomers = servicesWithoutIdentity(home);
  if (expiredAt !== undefined || newcomers.length > 0) {
    const reason =
      expiredAt === undefined
        ? `This home was made before there was ${newcomers.join(", ")}`
        : `The suite's own certificates expired at ${expiredAt.toISOString()}`;
    progress.say(`${reason}: ./pki ceremony renew-platform.`);
    await renewPlatform(home, stop);
    progress.say("");
  }

  // 3. The processes, and what to show when they are ready.
  if (detach) {
    await superviseInBackground(options, progress, stop);
    return await welcome(options, progress, stop);
  }
  let wentWell = false;
  await supervise({
    ...{ ...options, clock: systemClock, stop, kill },
    report: (event) => progress.event(event),
    async whenReady() {
      wentWell = await welcome(options, progress, stop);
      progress.say("\nCtrl-C stops everything.");
      await aborted(stop);
    },
  });
  return wentWell || stop.aborted;
}

/** The background half of `up --detach`: tells the process that started it what happens, over IPC, until all is ready. */
export async function superviseDetached(options: Pick<UpOptions, "home" | "portOffset">): Promise<void> {
  const tell = (message: Told): void => {
    if (process.connected) process.send?.(message);
  };
  const { stop, kill } = stopOnSignals();
  try {
    await supervise({
      ...{ ...options, clock: systemClock, stop, kill },
      report: (event) => tell({ event }),
      async whenReady() {
        tell({ ready: true });
        if (process.connected) process.disconnect?.();
        await aborted(stop);
      },
    });
  } catch (error) {
    tell({ failed: messageOf(error), process: error instanceof NotReadyError ? error.process : undefined });
    throw error;
  }
}

type Told =
  | { readonly event: SuiteEvent }
  | { readonly ready: true }
  | { readonly failed: string; readonly process?: string };

const toError = ({ failed, process }: Extract<Told, { failed: string }>): Error =>
  process === undefined ? new Error(failed) : new NotReadyError(process, failed);

async function superviseInBackground(
  { home, portOffset }: UpOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const words = ["supervise", "--home", home.directory];
  const background = fork(join(import.meta.dirname, "main.ts"), words, {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...process.env, PKI_PORT_OFFSET: String(portOffset) },
  });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  background.on("message", (told: Told) => {
    if ("event" in told) progress.event(told.event);
    else if ("ready" in told) resolve();
    else reject(toError(told));
  });
  background.on("error", reject);
  background.on("exit", () => reject(new Error(`the suite ended before it was ready; see ${home.log("suite")}`)));
  // Who gives up waiting wants it gone; after that the suite runs on by itself.
  const giveUp = () => background.kill("SIGTERM");
  stop.addEventListener("abort", giveUp, { once: true });
  await ready;
  stop.removeEventListener("abort", giveUp);
  background.unref();
}

/** Shows the first certificate and where to look. Without the certificate the suite stays up, for it to be found out why. */
async function welcome(options: UpOptions, progress: Progress, signal: AbortSignal): Promise<boolean> {
  const { home, firstCertificate } = options;
  let wentWell = true;
  try {
    const shown = firstCertificate ? await issueFirstCertificate({ ...options, signal }) : undefined;
    if (shown !== undefined)
      progress.say(`\nThe first certificate, for Argus (${home.firstCertificate.chain}):\n${shown}`);
  } catch (error) {
    if (signal.aborted) return true;
    wentWell = false;
    progress.say(`✖ the first certificate could not be issued: ${messageOf(error)}`);
  }
  progress.say(`\n${whereToLook(options)}`);
  return wentWell;
}

/** The end of a process's log, for a person who has to find out what is wrong with it. */
async function newestLines(home: Home, process: string): Promise<string> {
  const lines: string[] = [`\nthe end of ${home.log(process)}:`];
  const write = (line: string) => void lines.push(`  ${line.trimEnd()}`);
  await showLogs({ home, process, lines: 15, follow: false, json: false, write, signal: new AbortController().signal });
  return `${lines.join("\n")}\n`;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Signals {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

/** The first signal stops, the second kills. */
function stopOnSignals(progress?: Progress): Signals {
  const stop = new AbortController();
  const kill = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) return kill.abort();
      progress?.say("\nstopping; once more kills");
      stop.abort();
    });
  }
  return { stop: stop.signal, kill: kill.signal };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
