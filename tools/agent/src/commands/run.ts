import type { Command } from "commander";
import { loadSettings } from "../config.ts";
import { exitOfHealth } from "../exit-codes.ts";
import type { RunCommand } from "../program.ts";
import { runAgent, runOnce } from "../run.ts";
import { describe } from "../status.ts";
import { statusText } from "./status.ts";

export function addRunCommands(program: Command, run: RunCommand): void {
  program
    .command("run")
    .description("look after all identities until told to stop")
    .action(() =>
      run(async ({ io, configFile }) => {
        const settings = loadSettings(configFile());
        const { clock, random } = io;
        await runAgent(settings, { clock, random, log: io.logger(settings.logLevel) }, io.stop);
      }),
    );
  program
    .command("once")
    .description("do what there is to do now, and end: for cron")
    .action(() =>
      run(async ({ io, json, configFile, conclude }) => {
        const settings = loadSettings(configFile());
        const { clock, random } = io;
        const states = await runOnce(settings, { clock, random, log: io.logger("warn") });
        const identities = states.flatMap((state, index) => {
          const identity = settings.identities[index];
          return identity ? [describe(identity, state, clock.now())] : [];
        });
        io.out(json ? `${JSON.stringify({ identities }, null, 2)}\n` : identities.map(statusText).join(""));
        conclude(exitOfHealth(identities.map(({ health }) => health)));
      }),
    );
}
