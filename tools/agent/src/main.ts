#!/usr/bin/env node
import { createLogger } from "@vcc-pki/telemetry/log";
import { systemClock } from "@vcc-pki/time";
import { runProgram } from "./program.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  clock: systemClock,
  random: Math.random,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  // A daemon's lines are its output; those of a command that has a result go beside it.
  logger: (level) =>
    createLogger({ service: "agent", level, destination: { write: (line) => void process.stderr.write(line) } }),
  stop: stop.signal,
});
