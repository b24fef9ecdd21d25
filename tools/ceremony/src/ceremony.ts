import { hash, randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { ensurePrivateDirectory, type Home, lockHome } from "@vcc-pki/suite-tool";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { approveWithLocalKeys, approveWithSignedFiles } from "./approvals.ts";
import type { RunStep, StepContext } from "./context.ts";
import { type InProcessSuite, readConfigurations, startInProcess } from "./in-process.ts";
import type { Script, Step, StepName, StepOf } from "./script.ts";
import { createAuthorities } from "./steps/authorities.ts";
import { publishCrls } from "./steps/crls.ts";
import { registerCustodians } from "./steps/custodians.ts";
import { createDatabaseKeys } from "./steps/database-keys.ts";
import { issueAdminCertificate, issuePlatformIdentities } from "./steps/identities.ts";
import { createOrganisation } from "./steps/organisation.ts";
import { createToken, useToken } from "./steps/token.ts";
import { writeTrust } from "./steps/trust.ts";
import { Transcript, type TranscriptEntry } from "./transcript.ts";
import { formatBriefly, formatEntry } from "./transcript-text.ts";

const STEPS: { readonly [N in StepName]: RunStep<StepOf<N>> } = {
  "create-token": createToken,
  "use-token": useToken,
  "create-database-keys": createDatabaseKeys,
  "register-custodians": registerCustodians,
  "create-authorities": createAuthorities,
  "publish-crls": publishCrls,
  "create-organisation": createOrganisation,
  "issue-platform-identities": issuePlatformIdentities,
  "issue-admin-certificate": issueAdminCertificate,
  "write-trust": writeTrust,
};

export interface CeremonyOptions {
  readonly script: Script;
  readonly home: Home;
  readonly clock: Clock;
  /** Of the services. */
  readonly log: Logger;
  /** Shows a line to the people in the room. */
  readonly say: (text: string) => void;
  /** One line for each step, instead of each entry of the transcript. */
  readonly brief?: boolean;
  readonly signal: AbortSignal;
}

/** Runs a script on a home that has had no ceremony, or goes on with one that was interrupted: steps that are done stay done, the one
 *  that was not is repeated, and the services recognise what they have done of it. Answers the last entry of the transcript.
 *  Throws ALREADY_EXISTS when the home has had its ceremony, holds keys of which no transcript tells, or is in use. */
export async function runCeremony(options: CeremonyOptions): Promise<TranscriptEntry> {
  const { script, home, clock } = options;
  const lock = lockHome(home);
  try {
    ensurePrivateDirectory(home.ceremony.directory);
    const transcript = new Transcript(home.ceremony.transcript, clock);
    const ceremonyId = begin(transcript, options);
    await using suite = lazySuite(options);
    const context = contextOf(ceremonyId, transcript, suite.get, options);
    for (const [index, step] of script.steps.entries()) {
      options.signal.throwIfAborted();
      await perform(step, index + 1, context, options);
    }
    return show(transcript.add("ceremony finished", { ceremonyId }), options);
  } finally {
    lock.release();
  }
}

function show(entry: TranscriptEntry, { say, brief }: Pick<CeremonyOptions, "say" | "brief">): TranscriptEntry {
  const text = brief ? formatBriefly(entry) : formatEntry(entry);
  if (text !== undefined) say(text);
  return entry;
}

/** The id of the ceremony, new or interrupted. */
function begin(transcript: Transcript, options: CeremonyOptions): string {
  const { script, home, say } = options;
  const begun = transcript.entries.find(({ event }) => event === "ceremony begun");
  if (begun === undefined) {
    requireUntouched(home, script);
    const ceremonyId = randomUUID();
    const { sha256: scriptSha256, text: scriptText, ceremony, kind } = script;
    const node = process.version;
    show(transcript.add("ceremony begun", { ceremonyId, ceremony, kind, scriptSha256, node, scriptText }), options);
    return ceremonyId;
  }
  if (transcript.entries.some(({ event }) => event === "ceremony finished")) {
    throw new PkiError(
      "ALREADY_EXISTS",
      `${home.directory} had its ceremony on ${begun.at}; its keys are in use and a ceremony is not repeated. ` +
        "For another suite take another directory: --home DIR",
    );
  }
  if (begun.facts.scriptSha256 !== script.sha256) {
    throw new PkiError(
      "ALREADY_EXISTS",
      `${home.directory} has begun "${begun.facts.ceremony}" with another script (SHA-256 ${begun.facts.scriptSha256}). ` +
        "Go on with that one, or begin in a directory of its own: --home DIR",
    );
  }
  say(`Going on with the ceremony that began at ${begun.at}.`);
  show(transcript.add("ceremony resumed"), options);
  return String(begun.facts.ceremonyId);
}

/** Keys without a transcript are somebody's, and nobody knows whose. A token that was brought is looked at in its step. */
function requireUntouched(home: Home, { steps }: Script): void {
  const isMadeHere = steps.some(({ step }) => step === "create-token");
  const hasToken = isMadeHere && existsSync(home.token.objects) && readdirSync(home.token.objects).length > 0;
  const databases = ["hsm-gateway", "ca"].map((service) => home.database(service).file);
  const found = [...(hasToken ? [home.token.objects] : []), ...databases.filter((file) => existsSync(file))];
  if (found.length === 0) return;
  throw new PkiError(
    "ALREADY_EXISTS",
    `there is no transcript in ${home.ceremony.directory}, but there are keys or data: ${found.join(", ")}. ` +
      "A ceremony begins in an empty directory",
  );
}

/** Performs a step unless it is done, with an entry before and one after it. */
async function perform(step: Step, number: number, context: StepContext, options: CeremonyOptions): Promise<void> {
  const { transcript, script, say } = context;
  const isDone = transcript.entries.some(({ event, facts }) => event === "step done" && facts.number === number);
  if (isDone) return say(`  step ${number}, ${step.step}, was done before`);
  if (!options.brief) say(`\n[${number}/${script.steps.length}] ${step.step}`);
  transcript.add("step begun", { number, step: step.step });
  const run = STEPS[step.step] as RunStep<Step>;
  const facts = await run(step, context);
  show(transcript.add("step done", { number, step: step.step, ...facts }), options);
}

/** The services, started at the first use and stopped at the end. */
function lazySuite({ home, clock, log }: CeremonyOptions) {
  let started: Promise<InProcessSuite> | undefined;
  return {
    get: (): Promise<InProcessSuite> => {
      started ??= startInProcess(readConfigurations(home), { home, clock, log });
      return started;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const suite = await started?.catch(() => undefined);
      await suite?.close();
    },
  };
}

function contextOf(
  ceremonyId: string,
  transcript: Transcript,
  suite: StepContext["suite"],
  { home, script, clock, say, signal }: CeremonyOptions,
): StepContext {
  const configurations = readConfigurations(home);
  const { trustDomain, operator } = configurations.ca;
  const personUri = (id: string): string => `spiffe://${trustDomain}/org/${operator.organisation}/admin/${id}`;
  const approve = script.kind === "production" ? approveWithSignedFiles : approveWithLocalKeys;
  return {
    ...{ home, script, clock, transcript, configurations, suite, say, signal, personUri },
    approver: approve({ home, suite, transcript, say, signal }),
    operator: { requester: personUri(script.operator) },
    organisation: operator.organisation,
    requestId: (what) => `ceremony:${hash("sha256", `${ceremonyId}:${what}`).slice(0, 32)}`,
  };
}
