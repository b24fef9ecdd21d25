import { spawn } from "node:child_process";
import { PkiError } from "@vcc-pki/errors";

/** So much of what a command says is kept, for the report: the end, where the reason stands. */
const KEPT_OUTPUT_CHARACTERS = 2_048;

/** Runs a program without a shell. Resolves when it ends with 0; rejects with RELOAD_FAILED otherwise, and when it takes too long: then it
 *  and its children are killed. */
export function runCommand([program = "", ...words]: readonly string[], timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const isWindows = process.platform === "win32";
  const child = spawn(program, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment(),
    // A process group of its own, so that its children end with it.
    detached: !isWindows,
    windowsHide: true,
  });
  let said = "";
  const listen = (chunk: Buffer) => {
    said = (said + chunk.toString("utf8")).slice(-KEPT_OUTPUT_CHARACTERS);
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);

  const fail = (why: string, cause?: unknown) => {
    const details: Record<string, string> = said.trim() === "" ? {} : { output: said.trim() };
    reject(new PkiError("RELOAD_FAILED", `${program} ${why}`, { cause, details }));
  };
  const timer = setTimeout(() => {
    killAll(child.pid, isWindows);
    fail(`took longer than ${timeoutMs} ms`);
  }, timeoutMs);
  child.once("error", (error) => {
    clearTimeout(timer);
    fail(`could not be started: ${error.message}`, error);
  });
  // "exit", not "close": a daemon that it leaves behind may hold on to the pipes.
  child.once("exit", (code, signal) => {
    clearTimeout(timer);
    setImmediate(() => {
      child.stdout.destroy();
      child.stderr.destroy();
      if (code === 0) resolve();
      else fail(signal === null ? `ended with ${code}` : `was ended by ${signal}`);
    });
  });
  return promise;
}

function killAll(pid: number | undefined, isWindows: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(isWindows ? pid : -pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

/** What a program needs to be found and to run; nothing that the agent was told. */
function environment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "LANG", "SystemRoot", "PATHEXT"].map((name) => [name, process.env[name]]);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}
