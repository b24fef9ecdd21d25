import { Agent, request } from "node:https";

export interface Calls {
  readonly done: number;
  /** What went wrong, each time. */
  readonly failed: readonly string[];
  stop(): Promise<void>;
}

/** Calls an HTTPS service on this machine without pause, on two connections that stay and on new ones, until told to stop. Certificate and name are verified. */
export function startCalls(port: number, servername: string, ca: string): Calls {
  const failed: string[] = [];
  const staying = new Agent({ keepAlive: true, maxSockets: 2 });
  let done = 0;
  let stopped = false;
  const call = (agent: Agent | false) =>
    new Promise<void>((resolve) => {
      const end = (failure: string | undefined) => {
        if (failure === undefined) done += 1;
        else failed.push(failure);
        resolve();
      };
      request({ host: "127.0.0.1", port, servername, ca, agent }, (response) => {
        response.resume();
        response.once("end", () => end(response.statusCode === 200 ? undefined : String(response.statusCode)));
      })
        .once("error", (error) => end(error.message))
        .end();
    });
  const callers = [staying, staying, false as const, false as const].map(async (agent) => {
    while (!stopped) await call(agent);
  });
  return {
    get done() {
      return done;
    },
    failed,
    async stop() {
      stopped = true;
      await Promise.all(callers);
      staying.destroy();
    },
  };
}
