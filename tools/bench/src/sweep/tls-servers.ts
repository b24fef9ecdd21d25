import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:tls";

/** Where somebody serves TLS, and with what. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly keyPem: string;
  readonly chainPem: string;
}

/** Processes that serve TLS. They end with us. */
export interface TlsServers {
  stop(): Promise<void>;
}

/** Serves all of these from so many processes: in one, serving and probing would share a thread. */
export async function serveTls(endpoints: readonly Endpoint[], processes: number): Promise<TlsServers> {
  const children = Array.from({ length: processes }, () => fork(import.meta.filename, { stdio: "inherit" }));
  await Promise.all(
    children.map(async (child, i) => {
      child.send(endpoints.filter((_, index) => index % processes === i));
      await Promise.race([
        once(child, "message"),
        once(child, "exit").then(([code]) => {
          throw new Error(`a process that serves TLS ended with ${code}`);
        }),
      ]);
    }),
  );
  return { stop: async () => void (await Promise.all(children.map(end))) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.disconnect();
  await once(child, "exit");
}

/** What a process of them does. */
async function serve(endpoints: readonly Endpoint[]): Promise<void> {
  await Promise.all(
    endpoints.map(async ({ host, port, keyPem, chainPem }) => {
      const server = createServer({ key: keyPem, cert: chainPem }, (socket) => socket.on("error", () => {}));
      server.on("tlsClientError", () => {});
      server.listen({ host, port, backlog: 512 });
      await once(server, "listening");
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  process.once("message", (endpoints: readonly Endpoint[]) => serve(endpoints).then(() => process.send?.("ready")));
  process.once("disconnect", () => process.exit(0));
}
