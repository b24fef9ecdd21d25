import type { Command } from "commander";
import { loadSettings } from "../config.ts";
import { exitOfHealth } from "../exit-codes.ts";
import type { RunCommand } from "../program.ts";
import { type IdentityStatus, statusOf } from "../status.ts";

export function addStatusCommand(program: Command, run: RunCommand): void {
  program
    .command("status")
    .description("how every identity is, by what the agent wrote down")
    .action(() =>
      run(async ({ io, json, configFile, conclude }) => {
        const identities = statusOf(loadSettings(configFile()), io.clock.now());
        io.out(json ? `${JSON.stringify({ identities }, null, 2)}\n` : identities.map(statusText).join(""));
        conclude(exitOfHealth(identities.map(({ health }) => health)));
      }),
    );
}

/** A few lines for people. */
export function statusText(status: IdentityStatus): string {
  const lines = [`${status.name}: ${status.health}`];
  const { serial_number: serial, not_after: notAfter, renew_at: renewAt, last_error: error } = status;
  if (serial !== undefined) lines.push(`certificate ${serial} until ${notAfter?.toISOString()}`);
  if (renewAt !== undefined) lines.push(`renewed at ${renewAt.toISOString()}`);
  if (status.not_deployed !== undefined) lines.push(`not in service yet: ${status.not_deployed}`);
  if (error) lines.push(`${error.code} at ${error.at.toISOString()}: ${error.message}`);
  if (status.next_attempt_at)
    lines.push(`tried again at ${status.next_attempt_at.toISOString()} (failed ${status.failures} times)`);
  if (status.reports_waiting > 0) lines.push(`${status.reports_waiting} reports wait for the gateway`);
  return `${lines.join("\n  ")}\n`;
}
