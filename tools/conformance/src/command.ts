import { execa } from "execa";

export interface Outcome {
  readonly ok: boolean;
  readonly stdout: string;
  /** Everything said, for the report of a failure. */
  readonly said: string;
}

export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a tool to its end. A non-zero exit is an outcome; a tool that cannot be started or does not end in time is an error. */
export async function command(
  file: string,
  args: readonly string[],
  { timeoutMs = 30_000, env }: CommandOptions = {},
): Promise<Outcome> {
  const result = await execa(file, args, {
    reject: false,
    timeout: timeoutMs,
    stdin: "ignore",
    all: true,
    env: { LC_ALL: "C", ...env },
  });
  if (result.timedOut) throw new Error(`${file} ${args[0] ?? ""} did not end within ${timeoutMs / 1_000} s`);
  if (result.exitCode === undefined) throw new Error(`${file} did not run: ${result.shortMessage}`);
  return { ok: result.exitCode === 0, stdout: result.stdout, said: result.all.trim() };
}

/** Whether a tool is on the PATH. */
export const isInstalled = async (file: string): Promise<boolean> =>
  (await command("sh", ["-c", 'command -v "$0"', file])).ok;
