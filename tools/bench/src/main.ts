import { Command, InvalidArgumentError } from "commander";
import { BENCHES, runBenches } from "./run.ts";

const positiveInteger = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("not a positive whole number");
  return value;
};

await new Command("./pki bench")
  .description(
    "Measures the suite on this machine, each figure beside a baseline of the same run. A missed target is a row, not a failure.",
  )
  .argument("[name...]", `which benches: ${BENCHES.map(({ name }) => name).join(", ")}; all when none is named`)
  .option("--json", "one JSON array of reports instead of tables", false)
  .option("--runs <n>", "how often each figure is measured", positiveInteger, 3)
  .addHelpText("after", `\n${BENCHES.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join("\n")}`)
  .action(async (names: string[], { json, runs }: { json: boolean; runs: number }, command: Command) => {
    const unknown = names.find((name) => !BENCHES.some((bench) => bench.name === name));
    if (unknown !== undefined) command.error(`no bench is called ${unknown}`, { exitCode: 2 });
    await runBenches(
      BENCHES.filter(({ name }) => names.length === 0 || names.includes(name)),
      { json, runs },
    );
  })
  .parseAsync();
