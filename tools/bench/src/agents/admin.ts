import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { Suite } from "@vcc-pki/suite-tool";

const GATEWAY_PORT = 8443;

/** The operator at the REST door of a suite. */
export interface Admin {
  /** Origin of the door. */
  readonly server: string;
  readonly bundlePem: string;
  /** SHA-256 of the root. */
  readonly fingerprint: string;
  /** Throws with what the door answers, unless it is a 2xx. */
  post(path: string, body: unknown): Promise<Record<string, unknown>>;
  close(): void;
}

export function adminOf({ home, portOffset }: Suite): Admin {
  const read = (path: string) => readFileSync(join(home, path), "utf8");
  const bundlePem = read("trust/root.pem");
  const server = `https://localhost:${GATEWAY_PORT + portOffset}`;
  const identity = { cert: read("operator/admin.pem"), key: read("operator/admin-key.pem") };
  const agent = new Agent({ ca: bundlePem, ...identity, keepAlive: true, maxSockets: 8 });
  return {
    ...{ server, bundlePem },
    fingerprint: new X509Certificate(bundlePem).fingerprint256.replaceAll(":", "").toLowerCase(),
    async post(path, body) {
      const sent = JSON.stringify(body);
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(sent) };
      const { promise, resolve, reject } = Promise.withResolvers<[number, string]>();
      const asked = request(new URL(path, server), { method: "POST", agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("end", () => resolve([response.statusCode ?? 0, text]));
      });
      asked.once("error", reject);
      asked.end(sent);
      const [status, text] = await promise;
      if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
      return text === "" ? {} : JSON.parse(text);
    },
    close: () => agent.destroy(),
  };
}
