import { PkiError } from "@vcc-pki/errors";
import type { Command } from "commander";
import { loadSettings, type Settings } from "../config.ts";
import { exitOfHealth } from "../exit-codes.ts";
import type { RunCommand, Session } from "../program.ts";
import { runAgent, runOnce } from "../run.ts";
import { describe } from "../status.ts";
import type { Wish } from "../turn.ts";
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
    .action(() => run((session) => turnOnce(session, loadSettings(session.configFile()), {})));
  program
    .command("renew")
    .description("renew now, whatever the time")
    .argument("[name...]", "identities; all of them unless given")
    .action((names: string[]) =>
      run((session) => {
        const settings = loadSettings(session.configFile());
        const identities = settings.identities.filter(({ name }) => names.length === 0 || names.includes(name));
        if (identities.length < names.length) throw new PkiError("CONFIG_INVALID", "there is no such identity");
        return turnOnce(session, { ...settings, identities }, { renew: true });
      }),
    );
}

async function turnOnce({ io, json, conclude }: Session, settings: Settings, wish: Wish): Promise<void> {
  const { clock, random } = io;
  const states = await runOnce(settings, { clock, random, log: io.logger("warn") }, wish);
  const identities = states.flatMap((state, index) => {
    const identity = settings.identities[index];
    return identity ? [describe(identity, state, clock.now())] : [];
  });
  io.out(json ? `${JSON.stringify({ identities }, null, 2)}\n` : identities.map(statusText).join(""));
  conclude(exitOfHealth(identities.map(({ health }) => health)));
}
