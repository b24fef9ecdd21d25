import { PkiError, toPkiError } from "@vcc-pki/errors";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { HELP } from "./help.ts";
import { defaultHomeDirectory, type Home, homeAt } from "./home.ts";
import { portOffset } from "./ports.ts";

const EXIT = { ok: 0, failed: 1, usage: 2, notRunning: 3, notReady: 4 } as const;
const DOWN_PATIENCE_MS = 60_000;

interface HomeOption {
  readonly home: string;
}

const program = new Command("./pki").exitOverride().showHelpAfterError("(--help shows the options)");

const command = (name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .exitOverride()
    .option("--home <dir>", "state directory of the suite", defaultHomeDirectory())
    .addHelpText("after", "\nExit codes: see ./pki help");

// Each command loads what it needs when it runs: help and logs are there at once.
command("up", "start everything, and stay until Ctrl-C")
  .option("-d, --detach", "return when everything is ready, and leave it running", false)
  .option("--no-first-certificate", "do not issue a certificate when there is none")
  .action(async (options: HomeOption & { detach: boolean; firstCertificate: boolean }) => {
    const { up } = await import("./up.ts");
    const wentWell = await up({ ...options, home: homeOf(options), portOffset: portOffset() });
    process.exitCode = wentWell ? EXIT.ok : EXIT.failed;
  });

command("down", "stop everything").action(async (options: HomeOption) => {
  const [{ down }, { systemClock }] = await Promise.all([import("./down.ts"), import("@vcc-pki/time")]);
  console.log(await down({ home: homeOf(options), clock: systemClock, patienceMs: DOWN_PATIENCE_MS }));
});

command("status", "show each process and whether it is ready")
  .option("--json", "as JSON", false)
  .action(async (options: HomeOption & { json: boolean }) => {
    const [{ formatStatus, readStatus }, { systemClock }] = await Promise.all([
      import("./status.ts"),
      import("@vcc-pki/time"),
    ]);
    const status = await readStatus(homeOf(options), systemClock);
    console.log(options.json ? JSON.stringify(status, null, 2) : formatStatus(status));
    process.exitCode = status.state !== "running" ? EXIT.notRunning : status.ready ? EXIT.ok : EXIT.notReady;
  });

command("logs", "show what the processes say")
  .argument("[process]", "one of them; all unless given")
  .option("-f, --follow", "go on with what they will say", false)
  .option("-n, --lines <n>", "so many lines of the past, of each", wholeNumber, 50)
  .option("--json", "the lines as they are", false)
  .action(async (name: string | undefined, options: HomeOption & { follow: boolean; lines: number; json: boolean }) => {
    const { showLogs } = await import("./logs.ts");
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    process.stdout.on("error", () => stop.abort());
    const write = (text: string) => void process.stdout.write(text);
    await showLogs({ ...options, home: homeOf(options), process: name, write, signal: stop.signal });
  });

program
  .command("supervise", { hidden: true })
  .requiredOption("--home <dir>")
  .action(async (options: HomeOption) => {
    const { superviseDetached } = await import("./up.ts");
    await superviseDetached({ home: homeOf(options), portOffset: portOffset() });
  });

program.helpCommand(false);
program
  .command("help", { hidden: true })
  .argument("[command]")
  .action((name?: string) => {
    const named = program.commands.find((one) => one.name() === name);
    process.stdout.write(named?.helpInformation() ?? HELP);
  });

function homeOf({ home }: HomeOption): Home {
  return homeAt(home);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("not a whole number");
  return Number(text);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const known = error instanceof PkiError ? error : undefined;
  console.error(`error: ${known?.message ?? (error instanceof Error ? error.message : toPkiError(error).message)}`);
  return known?.code === "CONFIG_INVALID" ? EXIT.usage : EXIT.failed;
}
