import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import type { Soak, SoakReport } from "./soak.ts";
import { status } from "./status/status.ts";
import { tsa } from "./tsa/tsa.ts";

const SOAKS: readonly Soak[] = [status, tsa];

const positiveNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("not a positive number");
  return value;
};

const processNames = (text: string): string[] => text.split(",").filter((name) => name !== "" && name !== "none");

interface Options {
  readonly minutes: number;
  readonly kill?: string[];
  readonly killEvery: number;
  readonly grace: number;
  readonly json: boolean;
}

await new Command("./pki soak")
  .description("Runs a suite of its own for a while under load and faults, and counts what must not happen.")
  .argument("<name>", `which soak: ${SOAKS.map(({ name }) => name).join(", ")}`)
  .option("--minutes <n>", "how long", positiveNumber, 10)
  .option("--kill <names>", "what gets kill -9, with commas between, or none", processNames)
  .option("--kill-every <seconds>", "how often", positiveNumber, 30)
  .option("--grace <ms>", "how long a change of status may take to be seen", positiveNumber, 2_000)
  .option("--json", "one JSON document instead of lines", false)
  .addHelpText(
    "after",
    `\nSoaks:\n${SOAKS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join("\n")}
${SOAKS.map(({ name, kill, killable }) => `--kill of ${name}: ${killable.join(", ")}; unless told ${kill.join(",")}`).join("\n")}\n
Exit code: 0 nothing wrong, 1 something wrong or the soak could not run, 2 wrong usage.`,
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (name: string, { minutes, killEvery, grace, json, ...options }: Options, command: Command) => {
    const soak = SOAKS.find((one) => one.name === name);
    if (soak === undefined) return command.error(`no soak is called ${name}`, { exitCode: 2 });
    const kill = options.kill ?? soak.kill;
    const unknown = kill.find((process) => !soak.killable.includes(process));
    if (unknown !== undefined) return command.error(`${name} cannot kill ${unknown}`, { exitCode: 2 });
    const workDirectory = await mkdtemp(join(tmpdir(), `vcc-pki-soak-${soak.name}-`));
    const times = { durationMs: minutes * 60_000, killEveryMs: killEvery * 1_000, graceMs: grace };
    const progress = (message: string) => console.error(`  ${message}`);
    console.error(`${soak.name}: ${soak.summary}`);
    try {
      const report = await soak.run({ ...times, kill, workDirectory, progress });
      if (json) console.log(JSON.stringify({ soak: soak.name, minutes, kill, graceMs: grace, ...report }, null, 2));
      else print(report);
      process.exitCode = report.wrong === 0 ? 0 : 1;
    } catch (error) {
      console.error(`${soak.name} could not run: ${(error as Error).message}`);
      process.exitCode = 1;
    } finally {
      await rm(workDirectory, { recursive: true, force: true });
    }
  })
  .parseAsync();

function print({ figures, examples, summary }: SoakReport): void {
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(24)} ${text(value)}`);
  for (const example of examples) console.log(`WRONG  ${example}`);
  console.log(summary);
}

function text(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value ?? "-");
  return Object.entries(value)
    .map(([name, one]) => `${name} ${text(one)}`)
    .join(", ");
}
