import { request } from "node:https";
import type { Knocker } from "./https.ts";
import type { Suite } from "./suite.ts";

/** An open stream: what has come so far, and the wait for more. */
export function followEvents(
  { port, trustPem }: Pick<Suite, "port" | "trustPem">,
  as: Knocker,
  path = "/api/v1/events",
  headers: Readonly<Record<string, string>> = {},
) {
  const asking = request({
    host: "localhost",
    port,
    path,
    headers,
    ca: trustPem,
    key: as.keyPem,
    cert: as.chainPem,
    agent: false,
  });
  let received = "";
  const changed = new Set<() => void>();
  const ended = new Promise<void>((resolve, reject) => {
    asking.once("error", reject).once("response", (response) => {
      response.setEncoding("utf8").on("data", (chunk) => {
        received += chunk;
        for (const wake of changed) wake();
      });
      response.once("end", resolve).once("error", reject);
    });
  });
  ended.catch(() => {});
  asking.end();
  return {
    ended,
    received: () => received,
    async until(text: string): Promise<string> {
      while (!received.includes(text)) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            changed.delete(wake);
            resolve();
          };
          changed.add(wake);
        });
      }
      return received;
    },
    hangUp: () => asking.destroy(),
  };
}
