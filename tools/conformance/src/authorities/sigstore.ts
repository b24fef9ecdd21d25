import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@vcc-pki/service/free-port";
import { pemDecode } from "@vcc-pki/x509";
import { cached, goInstall } from "../install.ts";
import { SIGSTORE } from "../judges/sigstore.ts";
import type { AuthorityCandidate } from "./authority.ts";

const NAME = "sigstore";
const START_TRIES = 100;
const PAUSE_MS = 100;

/** sigstore's timestamp-server, with a key in its memory and a root of its own. */
export const sigstoreAuthority: AuthorityCandidate = {
  name: NAME,
  async start(cacheDirectory) {
    const directory = await cached(cacheDirectory, `timestamp-server-${SIGSTORE.version}`, (target) =>
      goInstall({ ...SIGSTORE, path: "/cmd/timestamp-server" }, target),
    );
    const port = await freePort();
    const words = ["serve", "--host", "127.0.0.1", "--port", String(port), "--timestamp-signer", "memory"];
    const server = spawn(join(directory, "timestamp-server"), [...words, "--disable-ntp-monitoring"], {
      stdio: "ignore",
    });
    const close = async () => {
      if (server.exitCode !== null || !server.kill()) return;
      await once(server, "exit");
    };
    const url = `http://127.0.0.1:${port}/api/v1/timestamp`;
    try {
      const chain = pemDecode(await eventually(() => fetchText(`${url}/certchain`)), "CERTIFICATE");
      return {
        ...{ name: NAME, close, rootDer: chain.at(-1) as Uint8Array, certificatesDer: chain.slice(0, -1) },
        async reply(requestDer) {
          const headers = { "content-type": "application/timestamp-query" };
          const response = await fetch(url, { method: "POST", headers, body: Buffer.from(requestDer) });
          if (!response.ok)
            throw new Error(`sigstore answers HTTP status ${response.status}: ${await response.text()}`);
          return new Uint8Array(await response.arrayBuffer());
        },
      };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return response.text();
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === START_TRIES) throw new Error(`${NAME} did not start`, { cause: error });
      await sleep(PAUSE_MS);
    }
  }
}
