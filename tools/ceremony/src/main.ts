import { resolve } from "node:path";
import { type ErrorCode, PkiError } from "@vcc-pki/errors";
import { defaultHomeDirectory, type Home, homeAt, repositoryRoot } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { Command, CommanderError } from "commander";
import { runCeremony } from "./ceremony.ts";
import { openCeremonyLog } from "./ceremony-log.ts";
import { renewPlatform } from "./renew-platform.ts";
import { readScript } from "./script.ts";
import { formatEntry } from "./transcript-text.ts";
import { getTranscript, verifyTranscript } from "./verify.ts";

const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3, interrupted: 130 } as const;

const EXIT_HELP = `
Exit codes:
  0    done
  1    failed; the same command goes on from where it stopped
  2    wrong usage, or a script or configuration that is not valid
  3    refused: the home is in use, has had its ceremony, or its transcript was changed
  130  interrupted; the same command goes on from where it stopped
`;

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort());

const say = (text: string): void => console.log(text);
const program = new Command("./pki ceremony")
  .description("Keys and authorities of a suite, made under witnesses; works on a suite that does not run")
  .exitOverride()
  .showHelpAfterError("(--help shows the options)")
  .addHelpText("after", EXIT_HELP);

const command = (words: string, description: string): Command =>
  program
    .command(words)
    .description(description)
    .exitOverride()
    .option("--home <dir>", "state directory of the suite", defaultHomeDirectory())
    .addHelpText("after", EXIT_HELP);

command("run <script>", "run a reviewed script, or go on with it")
  .option("--brief", "one line for each step; the transcript has everything")
  .action(async (file: string, options: HomeOption & { brief?: boolean }) => {
    const script = readScript(resolve(file));
    const home = homeOf(options);
    const { brief } = options;
    const log = openCeremonyLog(home, systemClock);
    await runCeremony({ script, home, clock: systemClock, log, say, brief, signal: interrupted.signal });
    if (!brief) say("\nWrite down the last hash. To check it later: ./pki ceremony transcript --verify --expect HASH");
  });

command(
  "renew-platform",
  "new certificates for the services when their own have all expired, and the first for a new service",
).action(async (options: HomeOption) => {
  const home = homeOf(options);
  const log = openCeremonyLog(home, systemClock);
  say(formatEntry(await renewPlatform({ home, clock: systemClock, log })));
});

command("transcript", "show what was done")
  .option("--verify", "check the chain of hashes and the root")
  .option("--expect <hash>", "with --verify: a hash that was written down")
  .option("--json", "the entries as JSON lines")
  .action((options: HomeOption & { verify?: boolean; expect?: string; json?: boolean }) => {
    const home = homeOf(options);
    const entries = options.verify ? verifyTranscript(home, options.expect) : getTranscript(home);
    for (const entry of entries) say(options.json ? JSON.stringify(entry) : formatEntry(entry));
    if (options.verify)
      console.error(`\nthe transcript is whole: ${entries.length} entries, and the root is the one they tell of`);
  });

interface HomeOption {
  readonly home: string;
}

/** The services' configuration names files of the source tree from its root, so that is where we go, once what the person named
 *  is resolved. */
function homeOf({ home: directory }: HomeOption): Home {
  const home = homeAt(directory);
  process.chdir(repositoryRoot);
  return home;
}

/** What a person can do nothing about but read. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(["ALREADY_EXISTS", "NOT_FOUND", "SIGNATURE_INVALID"]);

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (interrupted.signal.aborted) {
    console.error("\ninterrupted; the same command goes on from here");
    return EXIT.interrupted;
  }
  if (!(error instanceof PkiError)) {
    console.error(error);
    return EXIT.failed;
  }
  console.error(`error: ${error.message} (${error.code})`);
  if (error.code === "CONFIG_INVALID") return EXIT.usage;
  if (REFUSALS.has(error.code)) return EXIT.refused;
  if (error.cause !== undefined) console.error(error.cause);
  return EXIT.failed;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
