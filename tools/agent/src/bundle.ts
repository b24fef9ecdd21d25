import { join, resolve } from "node:path";
import { build } from "rolldown";

/** What Node is told besides: an agent has little to do, and no code worth optimising. Saves a fifth of its memory. */
export const NODE_FLAGS = ["--lite-mode", "--max-semi-space-size=1", "--single-threaded-gc"] as const;

/** Writes the agent as plain JavaScript into `directory`, for a machine that has Node 26 and not this checkout: `node vcc-agent.mjs run`. It takes a third
 *  less memory, too. Returns the file to run. */
export async function bundleAgent(directory: string): Promise<string> {
  const entry = "vcc-agent.mjs";
  await build({
    input: join(import.meta.dirname, "main.ts"),
    platform: "node",
    logLevel: "warn",
    output: { dir: directory, format: "esm", minify: true, entryFileNames: entry, chunkFileNames: "[name]-[hash].mjs" },
  });
  return join(directory, entry);
}

if (import.meta.main) console.log(await bundleAgent(resolve(process.argv[2] ?? "dist/bundle")));
