import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import { parseDuration } from "@vcc-pki/time";
import type { Command } from "commander";
import { contextOf } from "../agent.ts";
import { type Identity, loadSettings, type Settings } from "../config.ts";
import { addIdentity } from "../config-file.ts";
import { enrol, requestEnrolment } from "../enrol.ts";
import { EXIT } from "../exit-codes.ts";
import { parseFingerprint } from "../gateway/pin.ts";
import { maintain } from "../maintain.ts";
import type { RunCommand, Session } from "../program.ts";
import { hideArguments, readAttestation, type SecretOptions } from "../secret.ts";
import type { State } from "../state.ts";
import { describe } from "../status.ts";
import type { MaintainContext } from "../turn.ts";
import { statusText } from "./status.ts";

interface EnrolOptions extends SecretOptions {
  readonly name?: string;
  readonly caFingerprint: string;
  readonly server?: string;
  readonly request?: true;
  readonly wait?: string;
  readonly organisation?: string;
  readonly service?: string;
  readonly dns?: string[];
  readonly ip?: string[];
  readonly stateDir: string;
  readonly directory?: string;
  readonly pidFile?: string;
  readonly reloadUrl?: string;
  readonly reloadCommand?: string[];
  readonly prove?: string;
}

const PLAIN_LAYOUT = { certificate: "cert.pem", key: "key.pem", trust: "ca.pem" };
const CLAIM_PAUSE_MS = 2_000;

export function addEnrolCommand(program: Command, run: RunCommand): void {
  program
    .command("enrol")
    .description("get the first certificate of an identity and bring it into service")
    .argument("[name]", "an identity in agent.yaml; one that is not there is described by the options below, and added")
    .requiredOption("--ca-fingerprint <sha256>", "of the root certificate; the administrator gives it with the token")
    .option("--token <token>", "single use; better given by --token-file or VCC_ENROL_TOKEN")
    .option("--token-file <file>", "file with the token; - is standard input")
    .option("--kubernetes [file]", "vouched for by a projected service-account token")
    .option("--request", "without token: ask administrators")
    .option("--wait <duration>", "with --request: wait so long for them", "0s")
    .option("--server <url>", "origin of the gateway")
    .option("--organisation <id>")
    .option("--service <id>")
    .option("--dns <name...>", "DNS names of the certificate")
    .option("--ip <address...>", "addresses of the certificate")
    .option("--state-dir <directory>", "for a new agent.yaml", "/var/lib/vcc-agent")
    .option("--directory <directory>", "where the service reads cert.pem, key.pem and ca.pem")
    .option("--pid-file <file>", "reload: SIGHUP to this process")
    .option("--reload-url <url>", "reload: POST to this address")
    .option("--reload-command <word...>", "reload: this program with its words")
    .option("--prove <host:port>", "where the service has to show the new certificate")
    .action((name: string | undefined, options: EnrolOptions) => {
      hideArguments();
      return run((session) => enrolCommand(name, options, session));
    });
}

async function enrolCommand(name: string | undefined, options: EnrolOptions, session: Session): Promise<void> {
  const { io } = session;
  const fingerprint = parseFingerprint(options.caFingerprint);
  const attestation = readAttestation(options, io.env);
  if ((attestation === undefined) !== (options.request === true)) {
    throw new PkiError("CONFIG_INVALID", "either a token (--token-file, VCC_ENROL_TOKEN, --token) or --request");
  }
  const { settings, identity } = findIdentity(name, options, session.configFile());
  const { clock, random } = io;
  const context = contextOf(identity, settings, { clock, random, log: io.logger("warn") });
  const contact = { server: settings.server, fingerprint };
  if (attestation) await enrol(context, contact, attestation);
  else await waitForAdministrators(context, contact, options, session);
  conclude(identity, await maintain(context, { now: true }), session);
}

async function waitForAdministrators(
  context: MaintainContext,
  contact: { server: string; fingerprint: string },
  { wait = "0s" }: EnrolOptions,
  { io }: Session,
): Promise<void> {
  const { requestId, publicKey } = await requestEnrolment(context, contact);
  io.err(`waiting for an administrator: request ${requestId}\n  public key (SHA-256): ${publicKey}\n`);
  const deadlineMs = io.clock.monotonicMs() + parseDuration(wait);
  while (io.clock.monotonicMs() < deadlineMs) {
    await sleep(CLAIM_PAUSE_MS, undefined, { signal: io.stop }).catch(() => {});
    const { pending } = await maintain(context, { now: true });
    if (pending?.claim === undefined || io.stop.aborted) return;
  }
}

function findIdentity(
  name: string | undefined,
  options: EnrolOptions,
  file: string,
): { settings: Settings; identity: Identity } {
  const wanted = name ?? options.service;
  const known = existsSync(file) ? loadSettings(file) : undefined;
  const found = known?.identities.find((identity) => identity.name === wanted);
  if (known && found) return { settings: { ...known, server: options.server ?? known.server }, identity: found };

  const { organisation, service, server = known?.server } = options;
  if (wanted === undefined || organisation === undefined || service === undefined || server === undefined) {
    throw new PkiError(
      "CONFIG_INVALID",
      `${file} has no such identity: --server, --organisation and --service describe one`,
    );
  }
  const stateDir = resolve(options.stateDir);
  addIdentity(file, { server, stateDir }, { name: wanted, organisation, service, ...describedBy(options) });
  const settings = loadSettings(file);
  const identity = settings.identities.find((added) => added.name === wanted);
  if (!identity) throw new Error("the identity that was just added is there");
  return { settings: { ...settings, server }, identity };
}

function describedBy({ dns, ip, directory, pidFile, reloadUrl, reloadCommand, prove }: EnrolOptions) {
  const reloads = [
    pidFile && { signal: { pidFile: resolve(pidFile) } },
    reloadUrl && { http: { url: reloadUrl } },
    reloadCommand && { command: reloadCommand },
  ].filter((reload) => typeof reload === "object");
  if (reloads.length > 1) throw new PkiError("CONFIG_INVALID", "one of --pid-file, --reload-url and --reload-command");
  return {
    ...{ dns, ip },
    layout: directory === undefined ? undefined : { directory: resolve(directory), profile: PLAIN_LAYOUT },
    reload: reloads[0],
    proof: prove === undefined ? undefined : { connect: prove },
  };
}

function conclude(identity: Identity, state: State, { io, json, conclude: exit }: Session): void {
  const status = describe(identity, state, io.clock.now());
  io.out(json ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
  if (status.health === "waiting") exit(EXIT.approvalRequired);
  else if (status.health !== "ok") exit(status.health === "failing" ? EXIT.attention : EXIT.failed);
}
